/** One bit for each of `size` numbers. */
export interface Bitset {
  has(i: number): boolean;
  /** True when it was not set before. */
  add(i: number): boolean;
  readonly count: number;
}

export function newBitset(size: number): Bitset {
  const words = new Uint32Array(Math.ceil(size / 32));
  let count = 0;
  return {
    has: (i) => ((words[i >>> 5]! >>> (i & 31)) & 1) === 1,
    add(i) {
      if (i < 0 || i >= size) throw new RangeError(`${i} is not below ${size}`);
      const bit = 1 << (i & 31);
      if ((words[i >>> 5]! & bit) !== 0) return false;
      words[i >>> 5]! |= bit;
      count += 1;
      return true;
    },
    get count() {
      return count;
    },
  };
}
