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

const STEP = 0x6d2b79f5;

function mixed(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** mulberry32: small, fast, good enough to vary tests, and repeatable from 32 bits. */
export function randomFrom(seed: number): SeededRandom {
  let state = seed | 0;
  const next32 = () => {
    state = (state + STEP) | 0;
    return mixed(state);
  };
  const next = () => next32() / 4294967296;
  const int = (below: number) => Math.floor(next() * below);
  // A plain loop over a local number: a call for each byte takes a quarter of a minute for a hundred megabytes.
  const bytes = (length: number) => {
    const filled = Buffer.alloc(length);
    let at = state;
    for (let i = 0; i < length; i += 1) {
      at = (at + STEP) | 0;
      filled[i] = mixed(at) >>> 24;
    }
    state = at;
    return filled;
  };
  return {
    seed,
    next,
    int,
    bytes,
    pick: (items) => items[int(items.length)]!,
  };
}

/** A fresh seed, printed so that a failure can be repeated with HOLDFAST_SEED. */
export function seededRandom(name: string): SeededRandom {
  const seed = Number(process.env.HOLDFAST_SEED ?? randomInt(2 ** 31));
  console.log(`# ${name}: HOLDFAST_SEED=${seed}`);
  return randomFrom(seed);
}
