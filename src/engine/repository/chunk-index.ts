/**
 * Which chunk lies where, in flat memory: typed arrays only, about 40 bytes a chunk. Ids are compared by
 * their first 16 bytes: they are HMACs under a secret key, so 128 bits never meet by chance, and every read checks the
 * whole id. A chunk stored as a difference is there only while its bases are: without them it counts as unknown.
 */
import { HEADER_BYTES } from '../crypto/object-header.ts';
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

/** So much of an id tells chunks apart. */
export const ID_START_BYTES = 16;

/** Known by name only, as base of a difference. */
const NOWHERE = 0xffffffff;
/** Its pack is still being built. */
const CLAIMED = 0xfffffffe;
/**
 * In place of a block's plain length, which for a difference is that of its only chunk. The chunk's offset in the
 * block, always 0, then holds the number of its base, or where the list of its bases begins.
 */
const ONE_BASE = 0xffffffff;
const BASE_LIST = 0xfffffffe;
const MAX_LOAD = 0.7;
const GROWTH = 1.5;
const BLOCK_FIELDS = 5;
const NONE: readonly number[] = [];

export function newChunkIndex(): ChunkIndex {
  let count = 0;
  let ids = new Uint32Array(4 * 1024);
  // Per chunk: block number, offset in block, length.
  let places = new Uint32Array(3 * 1024);
  let slots = new Uint32Array(2048);
  let blockCount = 0;
  // Per block: pack number, block of pack, offset in pack, stored bytes, plain bytes.
  let blocks = new Uint32Array(BLOCK_FIELDS * 256);
  // Lists of bases: how many, then their chunk numbers.
  let lists = new Uint32Array(64);
  let listsUsed = 0;
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
  const isPlaced = (number: number) => places[3 * number]! < CLAIMED;
  const basesOf = (number: number): readonly number[] => {
    const block = places[3 * number]!;
    if (block >= CLAIMED) return NONE;
    const kind = blocks[BLOCK_FIELDS * block + 4]!;
    if (kind < BASE_LIST) return NONE;
    const at = places[3 * number + 1]!;
    return kind === ONE_BASE ? [at] : Array.from(lists.subarray(at + 1, at + 1 + lists[at]!));
  };
  /** Claimed, or stored with all it needs. */
  const isThere = (number: number): boolean => {
    const block = places[3 * number]!;
    if (block >= CLAIMED) return block === CLAIMED;
    const kind = blocks[BLOCK_FIELDS * block + 4]!;
    if (kind < BASE_LIST) return true;
    return kind === ONE_BASE ? isPlaced(places[3 * number + 1]!) : basesOf(number).every(isPlaced);
  };
  const placeOf = (number: number): ChunkPlace | null => {
    const block = places[3 * number]!;
    if (block >= CLAIMED) return null;
    const base = BLOCK_FIELDS * block;
    const lengthBytes = places[3 * number + 2]!;
    const isDelta = blocks[base + 4]! >= BASE_LIST;
    return {
      packNumber: blocks[base]!,
      blockOfPack: blocks[base + 1]!,
      blockOffset: blocks[base + 2]!,
      blockStoredBytes: blocks[base + 3]!,
      blockPlainBytes: isDelta ? lengthBytes : blocks[base + 4]!,
      blockNumber: block,
      offsetInBlock: isDelta ? 0 : places[3 * number + 1]!,
      lengthBytes,
      bases: basesOf(number),
    };
  };
  const addBlock = (fields: readonly number[]): number => {
    if (BLOCK_FIELDS * blockCount === blocks.length) blocks = grown(blocks, BLOCK_FIELDS);
    blocks.set(fields, BLOCK_FIELDS * blockCount);
    blockCount += 1;
    return blockCount - 1;
  };
  const addList = (numbers: readonly number[]): number => {
    while (listsUsed + numbers.length + 1 > lists.length) lists = grown(lists, 1);
    const at = listsUsed;
    lists[at] = numbers.length;
    lists.set(numbers, at + 1);
    listsUsed += numbers.length + 1;
    return at;
  };
  const numberOfPack = (pack: string): number => {
    let number = packNumbers.get(pack);
    if (number === undefined) {
      number = packs.push(pack) - 1;
      packNumbers.set(pack, number);
    }
    return number;
  };
  /** A new place is for a chunk without one, and for a difference that is not there if the new place is better. */
  const isWelcome = (chunk: number, bases: readonly number[]) =>
    places[3 * chunk]! >= CLAIMED || (!isThere(chunk) && bases.every(isPlaced));

  /** Enters one block's chunks; `at` is all of the block but its plain length. */
  const enterBlock = (at: readonly number[], { bases, chunks, plainBytes }: TableBlock) => {
    const numbers = bases.map((id) => findOrEnter(id, 0));
    const kind = numbers.length === 0 ? plainBytes : numbers.length === 1 ? ONE_BASE : BASE_LIST;
    let block = -1;
    let inside = 0;
    for (const { id, lengthBytes } of chunks) {
      const chunk = findOrEnter(id, 0);
      if (isWelcome(chunk, numbers)) {
        if (block < 0) block = addBlock([...at, kind]);
        const offset = kind === ONE_BASE ? numbers[0]! : kind === BASE_LIST ? addList(numbers) : inside;
        places.set([block, offset, lengthBytes], 3 * chunk);
      }
      inside += lengthBytes;
    }
  };

  const find = (id: Uint8Array, at = 0): number => {
    load(id, at);
    const number = slots[slotOf()]! - 1;
    return number >= 0 && isThere(number) ? number : -1;
  };

  return {
    get count() {
      return count;
    },
    packs,
    find,
    needed(id) {
      const number = find(id);
      return number < 0 ? NONE : [number, ...basesOf(number)];
    },
    claim(id, at = 0) {
      const number = findOrEnter(id, at);
      if (!isThere(number)) places[3 * number] = CLAIMED;
      return number;
    },
    addPack(pack, _sizeBytes, table) {
      const packNumber = numberOfPack(pack);
      let blockOfPack = 0;
      let offset = HEADER_BYTES;
      for (const block of decodeTable(table)) {
        enterBlock([packNumber, blockOfPack, offset, block.storedBytes], block);
        blockOfPack += 1;
        offset += block.storedBytes;
      }
    },
    hasLoose() {
      for (let number = 0; number < count; number += 1) if (isPlaced(number) && !isThere(number)) return true;
      return false;
    },
    packOf(number) {
      const block = places[3 * number]!;
      return block >= CLAIMED ? null : packs[blocks[BLOCK_FIELDS * block]!]!;
    },
    lengthOf: (number) => (isPlaced(number) ? places[3 * number + 2]! : 0),
    placeOf,
    basesOf,
    idStart: (number) => Buffer.from(Uint32Array.from(ids.subarray(4 * number, 4 * number + 4)).buffer),
    get memoryBytes() {
      return lists.byteLength + ids.byteLength + places.byteLength + slots.byteLength + blocks.byteLength;
    },
  };
}

function grown(array: Uint32Array<ArrayBuffer>, step: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(Math.ceil((array.length / step) * GROWTH) * step);
  next.set(array);
  return next;
}
