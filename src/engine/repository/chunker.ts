import type { CutProfile } from '../crypto/keyring.ts';

/** Finds where chunks end, one after the other. Rules: docs/format.md section 6. */
export interface Chunker {
  /** No chunk is longer. */
  readonly maxBytes: number;
  /**
   * Where the chunk that begins at `start` ends, or -1 when the bytes up to `end` do not decide it. After -1 comes the
   * same chunk again with more behind it, wherever it lies by then: what was looked at is not looked at twice.
   */
  next(bytes: Uint8Array, start: number, end: number): number;
  /** The chunk begun ended otherwise: the next call begins a new one. */
  restart(): void;
}

const topBits = (count: number) => (count === 0 ? 0 : (0xffffffff << (32 - count)) | 0);

/** Gear hash with normalised cut points (Xia et al., FastCDC, USENIX ATC 2016), keyed by its table. */
export function contentChunker(profile: CutProfile, gearTable: Uint32Array): Chunker {
  const { minBytes, normalBytes, maxBytes } = profile;
  const early = topBits(profile.bitsEarly);
  const late = topBits(profile.bitsLate);
  const gear = Int32Array.from(gearTable);
  const state = new Int32Array(1);
  let seenBytes = 0;
  return {
    maxBytes,
    next(bytes, start, end) {
      if (seenBytes === 0) state[0] = 0;
      const limit = Math.min(end, start + maxBytes);
      const normal = Math.min(limit, start + normalBytes);
      const from = start + Math.max(minBytes, seenBytes);
      let border = scan(bytes, from, normal, early, gear, state);
      if (border < 0) border = scan(bytes, Math.max(from, normal), limit, late, gear, state);
      if (border < 0 && limit === start + maxBytes) border = limit;
      seenBytes = border < 0 ? limit - start : 0;
      return border;
    },
    restart() {
      seenBytes = 0;
    },
  };
}

/**
 * The border in [from, to), or -1 with the hash left in `state`. Four bytes a turn, and a function that knows nothing
 * but its arguments: that runs at twice to four times the speed of the plain loop inside `next`.
 */
function scan(
  bytes: Uint8Array,
  from: number,
  to: number,
  mask: number,
  gear: Int32Array,
  state: Int32Array,
): number {
  let at = from;
  let hash = state[0]!;
  for (const last = to - 3; at < last; at += 4) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
    if ((hash & mask) === 0) return at + 1;
    hash = ((hash << 1) + gear[bytes[at + 1]!]!) | 0;
    if ((hash & mask) === 0) return at + 2;
    hash = ((hash << 1) + gear[bytes[at + 2]!]!) | 0;
    if ((hash & mask) === 0) return at + 3;
    hash = ((hash << 1) + gear[bytes[at + 3]!]!) | 0;
    if ((hash & mask) === 0) return at + 4;
  }
  for (; at < to; at += 1) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
    if ((hash & mask) === 0) return at + 1;
  }
  state[0] = hash;
  return -1;
}

/** Cuts every `sizeBytes`, for page-structured files. */
export function fixedChunker(sizeBytes: number): Chunker {
  return {
    maxBytes: sizeBytes,
    next: (_bytes, start, end) => (start + sizeBytes <= end ? start + sizeBytes : -1),
    restart() {},
  };
}
