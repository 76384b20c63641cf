/** Numbers ids, in flat memory: a hash table with linear probing over the first bytes of each. */
import { flatRows } from './flat-rows.ts';

/** So much of an id tells chunks apart: ids are HMACs under a secret key, so 128 bits never meet by chance. */
export const ID_START_BYTES = 16;
const WORDS = ID_START_BYTES / 4;

export interface IdTable {
  /** Numbers run from 0 to count - 1 and never change. */
  readonly count: number;
  /** Number of an id, or -1. Reads it at `at`. */
  find(id: Uint8Array, at: number): number;
  /** The same; one not known gets the next number. */
  findOrEnter(id: Uint8Array, at: number): number;
  /** The first `ID_START_BYTES` of an id. */
  startOf(number: number): Buffer;
  readonly memoryBytes: number;
}

const MAX_LOAD = 0.75;
const GROWTH = 1.25;
const FIRST_SLOTS = 2048;

export function idTable(): IdTable {
  let count = 0;
  const ids = flatRows(WORDS);
  let slots = new Uint32Array(FIRST_SLOTS);
  const word = new Uint32Array(WORDS);
  const wordBytes = new Uint8Array(word.buffer);

  const load = (id: Uint8Array, at: number) => {
    for (let i = 0; i < ID_START_BYTES; i += 1) wordBytes[i] = id[at + i]!;
  };
  /** Where the id loaded is, or where it would go. */
  const slotOf = (): number => {
    const size = slots.length;
    for (let slot = word[0]! % size; ; slot = slot + 1 === size ? 0 : slot + 1) {
      const number = slots[slot]! - 1;
      if (number < 0) return slot;
      const same = ids.get(number, 0) === word[0] && ids.get(number, 1) === word[1];
      if (same && ids.get(number, 2) === word[2] && ids.get(number, 3) === word[3]) return slot;
    }
  };
  const growSlots = () => {
    const size = Math.ceil(slots.length * GROWTH) | 1;
    // The old ones go at once, before there are two of them, and not when garbage is next collected.
    slots.buffer.transfer(0);
    slots = new Uint32Array(size);
    for (let number = 0; number < count; number += 1) {
      let slot = ids.get(number, 0) % size;
      while (slots[slot] !== 0) slot = slot + 1 === size ? 0 : slot + 1;
      slots[slot] = number + 1;
    }
  };
  const enter = (slot: number): number => {
    const number = count;
    count += 1;
    ids.reserve(number);
    for (let i = 0; i < WORDS; i += 1) ids.set(number, i, word[i]!);
    slots[slot] = count;
    if (count > slots.length * MAX_LOAD) growSlots();
    return number;
  };
  return {
    get count() {
      return count;
    },
    find(id, at) {
      load(id, at);
      return slots[slotOf()]! - 1;
    },
    findOrEnter(id, at) {
      load(id, at);
      const slot = slotOf();
      const known = slots[slot]! - 1;
      return known >= 0 ? known : enter(slot);
    },
    startOf: (number) => Buffer.from(Uint32Array.from(ids.view(number)).buffer),
    get memoryBytes() {
      return ids.memoryBytes + slots.byteLength;
    },
  };
}
