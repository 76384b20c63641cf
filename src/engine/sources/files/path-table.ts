import { randomBytes } from 'node:crypto';
import { pathBytes } from './path-bytes.ts';

/** Numbers paths, in flat memory: some ten bytes each beside the path itself. */
export interface PathTable {
  /** Numbers run from 0 to count - 1 and never change. */
  readonly count: number;
  /** Number of a path, or -1. */
  find(path: Uint8Array): number;
  /** The same; one not known gets the next number. */
  enter(path: Uint8Array): number;
  /** A view, valid until the next `enter`. */
  pathOf(number: number): Buffer;
  readonly memoryBytes: number;
}

const MAX_LOAD = 0.75;
const GROWTH = 1.5;

export function pathTable(): PathTable {
  const paths = pathBytes();
  const hash = newHash();
  let count = 0;
  let places = new Uint32Array(64);
  /** Number + 1, or 0. */
  let slots = new Uint32Array(127);

  /** Where the path is, or where it would go. */
  const slotOf = (path: Uint8Array): number => {
    const size = slots.length;
    for (let slot = hash(path) % size; ; slot = slot + 1 === size ? 0 : slot + 1) {
      const number = slots[slot]! - 1;
      if (number < 0 || paths.at(places[number]!).equals(path)) return slot;
    }
  };
  const growSlots = () => {
    slots = new Uint32Array(Math.ceil(slots.length * GROWTH) | 1);
    for (let number = 0; number < count; number += 1) {
      slots[slotOf(paths.at(places[number]!))] = number + 1;
    }
  };
  return {
    get count() {
      return count;
    },
    find: (path) => slots[slotOf(path)]! - 1,
    enter(path) {
      const slot = slotOf(path);
      const known = slots[slot]! - 1;
      if (known >= 0) return known;
      if (count === places.length) places = largerCopy(places, GROWTH);
      places[count] = paths.add(path);
      count += 1;
      slots[slot] = count;
      if (count > slots.length * MAX_LOAD) growSlots();
      return count - 1;
    },
    pathOf: (number) => paths.at(places[number]!),
    get memoryBytes() {
      return paths.memoryBytes + places.byteLength + slots.byteLength;
    },
  };
}

/** Its numbers are secret: nobody can choose paths that all fall into one place. */
function newHash(): (path: Uint8Array) => number {
  const random = randomBytes(8);
  const seed = random.readInt32LE(0);
  const factor = random.readInt32LE(4) | 1;
  return (path) => {
    let sum = seed;
    for (let i = 0; i < path.length; i += 1) {
      sum = Math.imul(sum ^ path[i]!, factor);
      sum ^= sum >>> 15;
    }
    return sum >>> 0;
  };
}

export function largerCopy(array: Uint32Array<ArrayBuffer>, growth: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(Math.ceil(array.length * growth));
  next.set(array);
  return next;
}
