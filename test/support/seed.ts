import { randomInt } from 'node:crypto';

export interface SeededRandom {
  readonly seed: number;
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, below). */
  int(below: number): number;
  bytes(length: number): Buffer;
  pick<T>(items: readonly T[]): T;
}

/** mulberry32: small, fast, good enough to vary tests, and repeatable from 32 bits. */
export function randomFrom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (below: number) => Math.floor(next() * below);
  return {
    seed,
    next,
    int,
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => int(256))),
    pick: (items) => items[int(items.length)]!,
  };
}

/** A fresh seed, printed so that a failure can be repeated with HOLDFAST_SEED. */
export function seededRandom(name: string): SeededRandom {
  const seed = Number(process.env.HOLDFAST_SEED ?? randomInt(2 ** 31));
  console.log(`# ${name}: HOLDFAST_SEED=${seed}`);
  return randomFrom(seed);
}
