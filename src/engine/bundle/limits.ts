import { HoldfastError } from '../base/errors.ts';

/** What a bundle may ask of its reader. Everything is counted while reading: declared sizes are not trusted. */
export interface BundleLimits {
  readonly maxEntries: number;
  /** Bytes of the tar after decompression. */
  readonly maxTotalBytes: number;
  /** Decompressed bytes per compressed byte, once more than `ratioFloorBytes` came out. */
  readonly maxRatio: number;
  readonly ratioFloorBytes: number;
  /** Apparent size of one file, holes included. */
  readonly maxFileBytes: number;
  /** Components of a path. */
  readonly maxDepth: number;
  readonly maxPathBytes: number;
  readonly maxManifestBytes: number;
}

/**
 * Room for every honest backup seen: zstd packs plain zeros 30,000 to 1, real databases hardly above 100 to 1.
 * 4,096 bytes are what Linux takes as a path.
 */
export const DEFAULT_LIMITS: BundleLimits = {
  maxEntries: 5_000_000,
  maxTotalBytes: 64 * 2 ** 40,
  maxRatio: 1000,
  ratioFloorBytes: 256 * 2 ** 20,
  maxFileBytes: 64 * 2 ** 40,
  maxDepth: 512,
  maxPathBytes: 4095,
  maxManifestBytes: 16 * 2 ** 20,
};

export function limitExceeded(what: string, limit: number): HoldfastError {
  return new HoldfastError('limit_exceeded', `the bundle has ${what} beyond the limit of ${limit}`);
}

export function malformed(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('bundle_malformed', `the bundle ${why}`, { cause });
}
