/** Numbers that depend on a seed alone: the same on every machine. */

export interface Random {
  /** 0 up to, not including, `below`; `below` up to 2^32. */
  integer(below: number): number;
  /** 0 up to 1. */
  fraction(): number;
  pick<T>(items: readonly T[]): T;
}

/** One 32-bit number from two, well mixed (murmur3's finaliser). */
export function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** So many until the seeds reach every bit. */
const WARM_UP_STEPS = 12;

/** A stream of its own for each list of numbers: sfc32 (PractRand) over two mixes of the list. */
export function randomOf(...seeds: readonly number[]): Random {
  let a = seeds.reduce((state, seed) => mix(state, seed), 0x2545f491) | 0;
  let b = seeds.reduce((state, seed) => mix(state, seed), 0x1f123bb5) | 0;
  let c = 0x6d2b79f5;
  let counter = 1;
  const next = () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let i = 0; i < WARM_UP_STEPS; i += 1) next();
  return {
    integer: (below) => Math.floor((next() / 2 ** 32) * below),
    fraction: () => next() / 2 ** 32,
    pick: (items) => items[Math.floor((next() / 2 ** 32) * items.length)]!,
  };
}

/** In place (Fisher and Yates). */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = random.integer(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
