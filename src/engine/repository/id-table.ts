/** Numbers ids, in flat memory: a hash table with linear probing over the first bytes of each. */

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
  let ids = new Uint32Array(WORDS * 1024);
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
      const base = WORDS * number;
      const same = ids[base] === word[0] && ids[base + 1] === word[1] && ids[base + 2] === word[2];
      if (same && ids[base + 3] === word[3]) return slot;
    }
  };
  const growSlots = () => {
    slots = new Uint32Array(Math.ceil(slots.length * GROWTH) | 1);
    for (let number = 0; number < count; number += 1) {
      word.set(ids.subarray(WORDS * number, WORDS * (number + 1)));
      slots[slotOf()] = number + 1;
    }
  };
  const enter = (slot: number): number => {
    if (WORDS * count === ids.length) ids = grown(ids, WORDS);
    const number = count;
    count += 1;
    ids.set(word, WORDS * number);
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
    startOf: (number) =>
      Buffer.from(Uint32Array.from(ids.subarray(WORDS * number, WORDS * (number + 1))).buffer),
    get memoryBytes() {
      return ids.byteLength + slots.byteLength;
    },
  };
}

/** A copy with room for more rows of `step` numbers. */
export function grown(array: Uint32Array<ArrayBuffer>, step: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(Math.ceil((array.length / step) * GROWTH) * step);
  next.set(array);
  return next;
}
