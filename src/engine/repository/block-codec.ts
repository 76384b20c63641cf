import { constants, zstdDecompressSync } from 'node:zlib';
import { freeNow } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { ENCODINGS, ID_BYTES } from './pack-toc.ts';

/** The window a 4 MiB block can need; a frame that asks for more is hostile. */
const WINDOW_LOG_MAX = 23;

/** Gives the plaintext of a base chunk. */
export type ReadBase = (id: Buffer) => Promise<Buffer>;

/**
 * Decodes a block's record (docs/format.md section 4) into exactly `plainBytes`, and takes the record's memory: only the
 * result is to be used afterwards. Nothing is proven by decoding: check the chunks against their ids. Throws `object_damaged`, `repository_newer`.
 */
export async function decodeRecord(record: Buffer, plainBytes: number, readBase: ReadBase): Promise<Buffer> {
  if (record[0] === ENCODINGS.raw) return ofLength(record.subarray(1), plainBytes);
  try {
    return ofLength(await decodePacked(record, plainBytes, readBase), plainBytes);
  } finally {
    freeNow(record);
  }
}

async function decodePacked(record: Buffer, plainBytes: number, readBase: ReadBase): Promise<Buffer> {
  const encoding = record[0];
  const body = record.subarray(1);
  if (encoding === ENCODINGS.zstd) return unpack(body, plainBytes);
  if (encoding !== ENCODINGS.delta) {
    throw new HoldfastError('repository_newer', `a block has the unknown encoding ${encoding}`);
  }
  const base = await readBase(body.subarray(0, ID_BYTES));
  return unpack(body.subarray(ID_BYTES), plainBytes, base);
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
