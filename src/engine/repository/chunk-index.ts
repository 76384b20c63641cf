/**
 * Which chunk lies where, in flat memory: typed arrays only, about 40 bytes a chunk. Ids are compared by
 * their first 16 bytes: they are HMACs under a secret key, so 128 bits never meet by chance, and every read checks the
 * whole id.
 */
import { HEADER_BYTES } from '../crypto/object-header.ts';
import { decodeTable } from './pack-toc.ts';

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
}

export interface ChunkIndex {
  /** Chunks known. Numbers run from 0 to count - 1 and never change. */
  readonly count: number;
  readonly packs: readonly string[];
  /** Number of a chunk whose place is known or claimed, or -1. Reads 32 bytes at `at`. */
  find(id: Uint8Array, at?: number): number;
  /** Enters a chunk whose pack is still being built; `addPack` gives it its place. Returns its number. */
  claim(id: Uint8Array, at?: number): number;
  /** Enters a pack's chunks. A chunk that has a place already keeps it. Adding a pack twice changes nothing. */
  addPack(pack: string, sizeBytes: number, table: Buffer): void;
  /** SHA-256 of the pack a chunk lies in; null while it is only claimed. */
  packOf(chunkNumber: number): string | null;
  placeOf(chunkNumber: number): ChunkPlace | null;
  /** Memory of all tables, for the record. */
  readonly memoryBytes: number;
}

const NOWHERE = 0xffffffff;
const MAX_LOAD = 0.7;
const GROWTH = 1.5;
const BLOCK_FIELDS = 5;

export function newChunkIndex(): ChunkIndex {
  let count = 0;
  let ids = new Uint32Array(4 * 1024);
  // Per chunk: block number, offset in block, length.
  let places = new Uint32Array(3 * 1024);
  let slots = new Uint32Array(2048);
  let blockCount = 0;
  // Per block: pack number, block of pack, offset in pack, stored bytes, plain bytes.
  let blocks = new Uint32Array(BLOCK_FIELDS * 256);
  const packs: string[] = [];
  const packNumbers = new Map<string, number>();
  const word = new Uint32Array(4);
  const wordBytes = new Uint8Array(word.buffer);

  const load = (id: Uint8Array, at: number) => {
    for (let i = 0; i < 16; i += 1) wordBytes[i] = id[at + i]!;
  };
  const slotOf = (): number => {
    const size = slots.length;
    for (let slot = word[0]! % size; ; slot = slot + 1 === size ? 0 : slot + 1) {
      const number = slots[slot]! - 1;
      if (number < 0) return slot;
      const base = 4 * number;
      const same = ids[base] === word[0] && ids[base + 1] === word[1] && ids[base + 2] === word[2];
      if (same && ids[base + 3] === word[3]) return slot;
    }
  };
  const growSlots = () => {
    slots = new Uint32Array(Math.ceil(slots.length * GROWTH) | 1);
    for (let number = 0; number < count; number += 1) {
      word.set(ids.subarray(4 * number, 4 * number + 4));
      slots[slotOf()] = number + 1;
    }
  };
  const enter = (slot: number): number => {
    if (4 * count === ids.length) {
      ids = grown(ids, 4);
      places = grown(places, 3);
    }
    const number = count;
    count += 1;
    ids.set(word, 4 * number);
    places[3 * number] = NOWHERE;
    slots[slot] = number + 1;
    if (count > slots.length * MAX_LOAD) growSlots();
    return number;
  };
  const findOrEnter = (id: Uint8Array, at: number): number => {
    load(id, at);
    const slot = slotOf();
    const known = slots[slot]! - 1;
    return known >= 0 ? known : enter(slot);
  };
  const placeOf = (number: number): ChunkPlace | null => {
    const block = places[3 * number]!;
    if (block === NOWHERE) return null;
    const base = BLOCK_FIELDS * block;
    return {
      packNumber: blocks[base]!,
      blockOfPack: blocks[base + 1]!,
      blockOffset: blocks[base + 2]!,
      blockStoredBytes: blocks[base + 3]!,
      blockPlainBytes: blocks[base + 4]!,
      blockNumber: block,
      offsetInBlock: places[3 * number + 1]!,
      lengthBytes: places[3 * number + 2]!,
    };
  };

  return {
    get count() {
      return count;
    },
    packs,
    find(id, at = 0) {
      load(id, at);
      return slots[slotOf()]! - 1;
    },
    claim: (id, at = 0) => findOrEnter(id, at),
    addPack(pack, _sizeBytes, table) {
      if (packNumbers.has(pack)) return;
      const packNumber = packs.push(pack) - 1;
      packNumbers.set(pack, packNumber);
      let blockOfPack = 0;
      let offset = HEADER_BYTES;
      for (const block of decodeTable(table)) {
        if (BLOCK_FIELDS * blockCount === blocks.length) blocks = grown(blocks, BLOCK_FIELDS);
        const number = blockCount;
        blockCount += 1;
        blocks.set(
          [packNumber, blockOfPack, offset, block.storedBytes, block.plainBytes],
          BLOCK_FIELDS * number,
        );
        blockOfPack += 1;
        offset += block.storedBytes;
        let inside = 0;
        for (const { id, lengthBytes } of block.chunks) {
          const chunk = findOrEnter(id, 0);
          if (places[3 * chunk] === NOWHERE) places.set([number, inside, lengthBytes], 3 * chunk);
          inside += lengthBytes;
        }
      }
    },
    packOf(number) {
      const block = places[3 * number]!;
      return block === NOWHERE ? null : packs[blocks[BLOCK_FIELDS * block]!]!;
    },
    placeOf,
    get memoryBytes() {
      return ids.byteLength + places.byteLength + slots.byteLength + blocks.byteLength;
    },
  };
}

function grown(array: Uint32Array<ArrayBuffer>, step: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(Math.ceil((array.length / step) * GROWTH) * step);
  next.set(array);
  return next;
}
