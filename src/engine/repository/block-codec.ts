import { constants, zstdDecompressSync } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';
import { ENCODINGS, ID_BYTES } from './pack-toc.ts';

/** The window a 4 MiB block can need; a frame that asks for more is hostile. */
const WINDOW_LOG_MAX = 23;

/** Gives the plaintext of a base chunk. */
export type ReadBase = (id: Buffer) => Promise<Buffer>;

/**
 * Decodes a block's record (docs/format.md section 4) into exactly `plainBytes`. Nothing is proven by that: check the
 * chunks against their ids. Throws `object_damaged`, `repository_newer`.
 */
export async function decodeRecord(record: Buffer, plainBytes: number, readBase: ReadBase): Promise<Buffer> {
  const encoding = record[0];
  const body = record.subarray(1);
  if (encoding === ENCODINGS.raw) return ofLength(body, plainBytes);
  if (encoding === ENCODINGS.zstd) return ofLength(unpack(body, plainBytes), plainBytes);
  if (encoding !== ENCODINGS.delta) {
    throw new HoldfastError('repository_newer', `a block has the unknown encoding ${encoding}`);
  }
  const base = await readBase(body.subarray(0, ID_BYTES));
  return ofLength(unpack(body.subarray(ID_BYTES), plainBytes, base), plainBytes);
}

function unpack(frame: Buffer, plainBytes: number, dictionary?: Buffer): Buffer {
  const options = {
    maxOutputLength: Math.max(1, plainBytes),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    ...(dictionary ? { dictionary } : {}),
  };
  try {
    return zstdDecompressSync(frame, options);
  } catch (error) {
    throw new HoldfastError('object_damaged', 'a block does not decompress', { cause: error });
  }
}

function ofLength(bytes: Buffer, plainBytes: number): Buffer {
  if (bytes.length === plainBytes) return bytes;
  throw new HoldfastError(
    'object_damaged',
    `a block has ${bytes.length} bytes, its table says ${plainBytes}`,
  );
}
