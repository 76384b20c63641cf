/** Where blocks lie, in flat memory. */
import { flatRows } from './flat-rows.ts';

/** How its chunks are stored: together, or one as a difference against one chunk or several. */
export const BLOCK_KINDS = { full: 0, oneBase: 1, baseList: 2 } as const;
export type BlockKind = (typeof BLOCK_KINDS)[keyof typeof BLOCK_KINDS];

export interface BlockRow {
  readonly packNumber: number;
  readonly blockOfPack: number;
  readonly offset: number;
  readonly storedBytes: number;
  /** Of a full block; a difference is as long as its chunk. */
  readonly plainBytes: number;
  readonly kind: BlockKind;
}

export interface BlockTable {
  add(row: BlockRow): number;
  kindOf(block: number): BlockKind;
  packOf(block: number): number;
  get(block: number): BlockRow;
  readonly memoryBytes: number;
}

const FIELDS = 5;
/** In place of the plain length. */
const ONE_BASE = 0xffffffff;
const BASE_LIST = 0xfffffffe;

export function blockTable(): BlockTable {
  let count = 0;
  const rows = flatRows(FIELDS);
  const kindOf = (block: number): BlockKind => {
    const plain = rows.get(block, 4);
    if (plain < BASE_LIST) return BLOCK_KINDS.full;
    return plain === ONE_BASE ? BLOCK_KINDS.oneBase : BLOCK_KINDS.baseList;
  };
  return {
    add({ packNumber, blockOfPack, offset, storedBytes, plainBytes, kind }) {
      rows.reserve(count);
      const last =
        kind === BLOCK_KINDS.full ? plainBytes : kind === BLOCK_KINDS.oneBase ? ONE_BASE : BASE_LIST;
      rows.view(count).set([packNumber, blockOfPack, offset, storedBytes, last]);
      count += 1;
      return count - 1;
    },
    kindOf,
    packOf: (block) => rows.get(block, 0),
    get(block) {
      const row = rows.view(block);
      return {
        packNumber: row[0]!,
        blockOfPack: row[1]!,
        offset: row[2]!,
        storedBytes: row[3]!,
        plainBytes: row[4]!,
        kind: kindOf(block),
      };
    },
    get memoryBytes() {
      return rows.memoryBytes;
    },
  };
}
