/**
 * Which chunk lies where, in flat memory: typed arrays only, about 45 bytes a chunk. Ids are compared by
 * their first 16 bytes; every read checks the whole id. A chunk stored as a difference is there only while its bases are: without them it counts as unknown.
 */
import { HEADER_BYTES } from '../crypto/object-header.ts';
import { BLOCK_KINDS, blockTable } from './block-table.ts';
import { flatRows } from './flat-rows.ts';
import { idTable } from './id-table.ts';
import { decodeTable, type TableBlock } from './pack-toc.ts';

export interface ChunkPlace {
  /** Number of the pack, see `packs`. */
  readonly packNumber: number;
  /** Counts from 0 within the pack. */
  readonly blockOfPack: number;
  readonly blockOffset: number;
  readonly blockStoredBytes: number;
  readonly blockPlainBytes: number;
  /** Number of the block in this index: equal for chunks of one block. */
  readonly blockNumber: number;
  readonly offsetInBlock: number;
  readonly lengthBytes: number;
  /** Numbers of the chunks it is a difference against; none for a full chunk. */
  readonly bases: readonly number[];
}

export interface ChunkIndex {
  /** Chunks known. Numbers run from 0 to count - 1 and never change. */
  readonly count: number;
  readonly packs: readonly string[];
  /** Number of a chunk whose place is known or claimed, or -1. Reads 32 bytes at `at`. */
  find(id: Uint8Array, at?: number): number;
  /** Enters a chunk whose pack is still being built; `addPack` gives it its place. Returns its number. */
  claim(id: Uint8Array, at?: number): number;
  /**
   * Enters a pack's chunks. A chunk that has a place already keeps it, unless that is a difference whose bases are
   * unknown so far. Adding a pack twice changes nothing else.
   */
  addPack(pack: string, sizeBytes: number, table: Buffer): void;
  /** True when some difference has lost its bases: adding all packs again then finds other places for them. */
  hasLoose(): boolean;
  /** SHA-256 of the pack a chunk lies in; null while it is only claimed. */
  packOf(chunkNumber: number): string | null;
  placeOf(chunkNumber: number): ChunkPlace | null;
  /** The chunk of this id and what it is a difference against; none when it is not there. Only for an index where nothing is claimed. */
  needed(id: Uint8Array): readonly number[];
  /** Plain length; 0 while it has no place. */
  lengthOf(chunkNumber: number): number;
  /** See `ChunkPlace.bases`. */
  basesOf(chunkNumber: number): readonly number[];
  /** The first `ID_START_BYTES` of a chunk's id. */
  idStart(chunkNumber: number): Buffer;
  /** Memory of all tables, for the record. */
  readonly memoryBytes: number;
}

/** Known by name only, as base of a difference. */
const NOWHERE = 0xffffffff;
/** Its pack is still being built. */
const CLAIMED = 0xfffffffe;
const FIELDS = 3;
const NONE: readonly number[] = [];

/** Where a chunk lies: its block, the offset in there or for a difference its base or list of bases, its length. */
interface Places {
  blockOf(chunk: number): number;
  offsetOf(chunk: number): number;
  lengthOf(chunk: number): number;
  set(chunk: number, block: number, offset: number, lengthBytes: number): void;
  readonly memoryBytes: number;
}

function newPlaces(): Places {
  const rows = flatRows(FIELDS, NOWHERE);
  return {
    blockOf: (chunk) => (chunk < rows.length ? rows.get(chunk, 0) : NOWHERE),
    offsetOf: (chunk) => rows.get(chunk, 1),
    lengthOf: (chunk) => rows.get(chunk, 2),
    set(chunk, block, offset, lengthBytes) {
      rows.reserve(chunk);
      rows.set(chunk, 0, block);
      rows.set(chunk, 1, offset);
      rows.set(chunk, 2, lengthBytes);
    },
    get memoryBytes() {
      return rows.memoryBytes;
    },
  };
}

/** Lists of numbers one after the other: how many, then the numbers. */
function newLists() {
  let rows = new Uint32Array(64);
  let used = 0;
  return {
    add(numbers: readonly number[]): number {
      while (used + numbers.length + 1 > rows.length) {
        const next = new Uint32Array(2 * rows.length);
        next.set(rows);
        rows = next;
      }
      const at = used;
      rows[at] = numbers.length;
      rows.set(numbers, at + 1);
      used += numbers.length + 1;
      return at;
    },
    get: (at: number): readonly number[] => Array.from(rows.subarray(at + 1, at + 1 + rows[at]!)),
    get memoryBytes() {
      return rows.byteLength;
    },
  };
}

export function newChunkIndex(): ChunkIndex {
  const ids = idTable();
  const places = newPlaces();
  const blocks = blockTable();
  const lists = newLists();
  const packs: string[] = [];
  const packNumbers = new Map<string, number>();

  const isPlaced = (chunk: number) => places.blockOf(chunk) < CLAIMED;
  const basesOf = (chunk: number): readonly number[] => {
    const block = places.blockOf(chunk);
    const kind = block < CLAIMED ? blocks.kindOf(block) : BLOCK_KINDS.full;
    if (kind === BLOCK_KINDS.full) return NONE;
    const at = places.offsetOf(chunk);
    return kind === BLOCK_KINDS.oneBase ? [at] : lists.get(at);
  };
  /** Claimed, or stored with all it needs. */
  const isThere = (chunk: number): boolean => {
    const block = places.blockOf(chunk);
    if (block >= CLAIMED) return block === CLAIMED;
    return blocks.kindOf(block) === BLOCK_KINDS.full || basesOf(chunk).every(isPlaced);
  };
  const find = (id: Uint8Array, at = 0): number => {
    const chunk = ids.find(id, at);
    return chunk >= 0 && isThere(chunk) ? chunk : -1;
  };
  const numberOfPack = (pack: string): number => {
    const known = packNumbers.get(pack);
    if (known !== undefined) return known;
    packNumbers.set(pack, packs.length);
    return packs.push(pack) - 1;
  };
  /** A new place is for a chunk without one, and for a difference that is not there if the new place is better. */
  const isWelcome = (chunk: number, bases: readonly number[]) =>
    !isPlaced(chunk) || (!isThere(chunk) && bases.every(isPlaced));
  const enterBlock = (at: { packNumber: number; blockOfPack: number; offset: number }, found: TableBlock) => {
    const bases = found.bases.map((id) => ids.findOrEnter(id, 0));
    const { full, oneBase, baseList } = BLOCK_KINDS;
    const kind = bases.length === 0 ? full : bases.length === 1 ? oneBase : baseList;
    let block = -1;
    let inside = 0;
    for (const { id, lengthBytes } of found.chunks) {
      const chunk = ids.findOrEnter(id, 0);
      if (isWelcome(chunk, bases)) {
        if (block < 0) block = blocks.add({ ...found, ...at, kind });
        const offset = kind === full ? inside : kind === oneBase ? bases[0]! : lists.add(bases);
        places.set(chunk, block, offset, lengthBytes);
      }
      inside += lengthBytes;
    }
  };

  return {
    get count() {
      return ids.count;
    },
    packs,
    find,
    needed(id) {
      const chunk = find(id);
      return chunk < 0 ? NONE : [chunk, ...basesOf(chunk)];
    },
    claim(id, at = 0) {
      const chunk = ids.findOrEnter(id, at);
      if (!isThere(chunk)) places.set(chunk, CLAIMED, 0, 0);
      return chunk;
    },
    addPack(pack, _sizeBytes, table) {
      const packNumber = numberOfPack(pack);
      let blockOfPack = 0;
      let offset = HEADER_BYTES;
      for (const block of decodeTable(table)) {
        enterBlock({ packNumber, blockOfPack, offset }, block);
        blockOfPack += 1;
        offset += block.storedBytes;
      }
    },
    hasLoose() {
      for (let chunk = 0; chunk < ids.count; chunk += 1) if (isPlaced(chunk) && !isThere(chunk)) return true;
      return false;
    },
    packOf(chunk) {
      const block = places.blockOf(chunk);
      return block < CLAIMED ? packs[blocks.packOf(block)]! : null;
    },
    lengthOf: (chunk) => (isPlaced(chunk) ? places.lengthOf(chunk) : 0),
    placeOf(chunk) {
      const blockNumber = places.blockOf(chunk);
      if (blockNumber >= CLAIMED) return null;
      const block = blocks.get(blockNumber);
      const lengthBytes = places.lengthOf(chunk);
      const isFull = block.kind === BLOCK_KINDS.full;
      // One by one: taking the rest of an object apart takes longer than all else here.
      return {
        packNumber: block.packNumber,
        blockOfPack: block.blockOfPack,
        blockOffset: block.offset,
        blockStoredBytes: block.storedBytes,
        blockPlainBytes: isFull ? block.plainBytes : lengthBytes,
        blockNumber,
        offsetInBlock: isFull ? places.offsetOf(chunk) : 0,
        lengthBytes,
        bases: isFull ? NONE : basesOf(chunk),
      };
    },
    basesOf,
    idStart: ids.startOf,
    get memoryBytes() {
      return ids.memoryBytes + places.memoryBytes + blocks.memoryBytes + lists.memoryBytes;
    },
  };
}
