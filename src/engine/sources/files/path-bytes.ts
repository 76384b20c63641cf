/** Paths one after the other in one growing piece of memory, each behind its length. */
export interface PathBytes {
  /** Where it lies; never 0. */
  add(path: Uint8Array): number;
  /** A view, valid until the next `add` or `keep`. */
  at(place: number): Buffer;
  /** Forgets everything but the paths at these places, and gives each its new place through `moved`. Places ascend. */
  keep(places: Iterable<number>, moved: (place: number) => void): void;
  readonly usedBytes: number;
  readonly memoryBytes: number;
}

const LENGTH_BYTES = 4;
const GROWTH = 1.25;
const FIRST_BYTES = 4096;

export function pathBytes(): PathBytes {
  let memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let used = 1;
  const ends = (place: number) => place + LENGTH_BYTES + memory.readUInt32LE(place);
  return {
    add(path) {
      const end = used + LENGTH_BYTES + path.length;
      if (end > memory.length) {
        const next = Buffer.allocUnsafeSlow(Math.ceil(Math.max(end, memory.length * GROWTH)));
        memory.copy(next, 0, 0, used);
        memory = next;
      }
      memory.writeUInt32LE(path.length, used);
      memory.set(path, used + LENGTH_BYTES);
      const place = used;
      used = end;
      return place;
    },
    at: (place) => memory.subarray(place + LENGTH_BYTES, ends(place)),
    keep(places, moved) {
      let to = 1;
      for (const place of places) {
        const end = ends(place);
        memory.copyWithin(to, place, end);
        moved(to);
        to += end - place;
      }
      used = to;
    },
    get usedBytes() {
      return used;
    },
    get memoryBytes() {
      return memory.length;
    },
  };
}
