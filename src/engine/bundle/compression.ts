/** Compression of a bundle's tar, streamed with a fixed amount of memory. */
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { type BundleLimits, limitExceeded, malformed } from './limits.ts';

export type Compression = 'zstd' | 'gzip';

const CHUNK_BYTES = 256 * 1024;
/** Smaller on the way back, where many small bundles may be opened in a row. */
const READ_CHUNK_BYTES = 64 * 1024;
/** 8 MiB of window: four times what writers use, and all a reader will set aside for one. */
export const MAX_WINDOW_LOG = 23;

export function compressStream(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  const options = { chunkSize: CHUNK_BYTES };
  const params = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_windowLog]: 21 };
  const transform =
    compression === 'zstd'
      ? createZstdCompress({ ...options, params })
      : createGzip({ ...options, level: 6 });
  return through(coalesce(source), transform);
}

/**
 * Throws `bundle_malformed` for damaged data, `limit_exceeded` for a window, an amount or a ratio beyond the
 * limits. It ends only after the source has ended.
 */
export async function* decompressStream(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  limits: BundleLimits,
): AsyncGenerator<Buffer> {
  let taken = 0;
  let given = 0;
  async function* counted() {
    for await (const part of source) {
      taken += part.length;
      yield part;
    }
  }
  const options = { chunkSize: READ_CHUNK_BYTES };
  const params = { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };
  const transform =
    compression === 'zstd' ? createZstdDecompress({ ...options, params }) : createGunzip(options);
  try {
    for await (const part of through(counted(), transform)) {
      given += part.length;
      if (given > limits.maxTotalBytes) throw limitExceeded('content', limits.maxTotalBytes);
      if (given > limits.ratioFloorBytes && given > limits.maxRatio * taken) {
        throw limitExceeded('a compression ratio', limits.maxRatio);
      }
      yield part;
    }
  } catch (error) {
    throw translated(error);
  }
}

/** Runs a source through a transform. Ending early, from either side, releases both. */
async function* through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Buffer> {
  const piped = pipeline(source, transform).then(
    () => null,
    (error: unknown) => error,
  );
  try {
    yield* transform as AsyncIterable<Buffer>;
    const error = await piped;
    if (error !== null) throw error;
  } finally {
    transform.destroy();
    await piped;
  }
}

/** Gathers small parts: every write to a compressor costs a trip to another thread. */
async function* coalesce(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for await (const part of source) {
    let at = 0;
    while (at < part.length) {
      const take = Math.min(CHUNK_BYTES - filled, part.length - at);
      buffer.set(part.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled < CHUNK_BYTES) continue;
      yield buffer;
      buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

function translated(error: unknown): unknown {
  if (error instanceof HoldfastError) return error;
  const code = systemCode(error) ?? '';
  if (code === 'ZSTD_error_frameParameter_windowTooLarge')
    return limitExceeded('a zstd window', 2 ** MAX_WINDOW_LOG);
  return /^Z(STD)?_/.test(code) ? malformed('does not decompress', error) : error;
}
