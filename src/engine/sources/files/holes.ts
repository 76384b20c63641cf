/** Holes are looked for in blocks of this size, the smallest a file system of today leaves out. */
const BLOCK_BYTES = 4096;
/** After every so many extents only holes of twice the size count, which bounds the list. */
const EXTENTS_PER_DOUBLING = 4096;
export const EXTENTS_MAX = 1 << 16;

const ZEROS = Buffer.alloc(1 << 20);

function isZero(bytes: Buffer): boolean {
  return bytes.compare(ZEROS, 0, bytes.length) === 0;
}

export interface HoleFinder {
  /** Takes the file's next bytes (whole blocks of 4 KiB but for the last) and passes its data on to `write`. */
  feed(bytes: Buffer): Promise<void>;
  /** Passes over a hole that is known as such. */
  skip(sizeBytes: number): void;
  /** The data extents; null when the file turned out to have no hole. Called once, at the end. */
  end(): [offset: number, length: number][] | null;
}

/**
 * Tells data from runs of zeros, since Node has no SEEK_HOLE. A run of zeros counts as a hole whether or not
 * the file system stores it: what is read back is the same.
 */
export function holeFinder(write: (bytes: Uint8Array) => void | Promise<void>): HoleFinder {
  const extents: [number, number][] = [];
  let offset = 0;
  let zeros = 0;
  const smallestHole = () =>
    extents.length >= EXTENTS_MAX
      ? Number.POSITIVE_INFINITY
      : BLOCK_BYTES * 2 ** Math.floor(extents.length / EXTENTS_PER_DOUBLING);

  const data = async (bytes: Buffer) => {
    const last = extents.at(-1);
    if (last === undefined || zeros >= smallestHole()) {
      // Zeros at the file's very start are always a hole: there is no extent yet to stretch over them.
      extents.push([offset, bytes.length]);
    } else {
      for (let left = zeros; left > 0; left -= ZEROS.length)
        await write(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
      last[1] += zeros + bytes.length;
    }
    zeros = 0;
    offset += bytes.length;
    await write(bytes);
  };
  const hole = (sizeBytes: number) => {
    zeros += sizeBytes;
    offset += sizeBytes;
  };

  return {
    async feed(bytes) {
      if (isZero(bytes)) return hole(bytes.length);
      let begin = 0;
      let beginIsZero: boolean | null = null;
      for (let at = 0; at <= bytes.length; at += BLOCK_BYTES) {
        const zero = at < bytes.length ? isZero(bytes.subarray(at, at + BLOCK_BYTES)) : null;
        if (zero === beginIsZero && at < bytes.length) continue;
        const end = Math.min(at, bytes.length);
        if (beginIsZero === true) hole(end - begin);
        if (beginIsZero === false) await data(bytes.subarray(begin, end));
        begin = end;
        beginIsZero = zero;
      }
      // The last block may be short of a whole one.
      if (begin < bytes.length)
        await (beginIsZero ? hole(bytes.length - begin) : data(bytes.subarray(begin)));
    },
    skip: hole,
    end() {
      const whole = extents.length === 1 && extents[0]![0] === 0 && extents[0]![1] === offset;
      return whole || offset === 0 ? null : extents;
    },
  };
}
