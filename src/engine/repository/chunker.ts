import type { CutProfile } from '../crypto/keyring.ts';

/** Finds where chunks end. Rules: docs/format.md section 6. */
export interface Chunker {
  /** No chunk is longer. */
  readonly maxBytes: number;
  /**
   * Where the chunk that begins at `start` ends, or -1 when the bytes up to `end` do not decide it.
   * The answer depends on the bytes from `start` on alone.
   */
  next(bytes: Uint8Array, start: number, end: number): number;
}

const topBits = (count: number) => (count === 0 ? 0 : (0xffffffff << (32 - count)) | 0);

/** Gear hash with normalised cut points (Xia et al., FastCDC, USENIX ATC 2016), keyed by its table. */
export function contentChunker(profile: CutProfile, gearTable: Uint32Array): Chunker {
  const { minBytes, normalBytes, maxBytes } = profile;
  const early = topBits(profile.bitsEarly);
  const late = topBits(profile.bitsLate);
  const gear = Int32Array.from(gearTable);
  return {
    maxBytes,
    next(bytes, start, end) {
      const limit = Math.min(end, start + maxBytes);
      const normal = Math.min(limit, start + normalBytes);
      let at = start + minBytes;
      let hash = 0;
      for (; at < normal; at += 1) {
        hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
        if ((hash & early) === 0) return at + 1;
      }
      for (; at < limit; at += 1) {
        hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
        if ((hash & late) === 0) return at + 1;
      }
      return limit === start + maxBytes ? limit : -1;
    },
  };
}

/** Cuts every `sizeBytes`, for page-structured files. */
export function fixedChunker(sizeBytes: number): Chunker {
  return {
    maxBytes: sizeBytes,
    next: (_bytes, start, end) => (start + sizeBytes <= end ? start + sizeBytes : -1),
  };
}
