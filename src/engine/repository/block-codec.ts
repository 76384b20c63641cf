import { constants, zstdDecompressSync } from 'node:zlib';
import { freeNow } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { ENCODINGS } from './pack-toc.ts';

/** The window a 4 MiB block can need; a frame that asks for more is hostile. */
const WINDOW_LOG_MAX = 23;

/**
 * Decodes a block's record (docs/format.md section 4) into exactly `plainBytes`, and takes the record's memory: only the
 * result is to be used afterwards. `dictionary` is what a difference was made against, null for a block that the
 * table calls none. Nothing is proven by decoding: check the chunks against their ids. Throws `object_damaged`,
 * `repository_newer`.
 */
export function decodeRecord(record: Buffer, plainBytes: number, dictionary: Buffer | null): Buffer {
  const encoding = record[0] ?? -1;
  const body = record.subarray(1);
  if ((encoding === ENCODINGS.delta) !== (dictionary !== null)) {
    throw new HoldfastError('object_damaged', 'a block is not of the encoding its table says');
  }
  if (encoding === ENCODINGS.raw) return ofLength(body, plainBytes);
  if (encoding !== ENCODINGS.zstd && encoding !== ENCODINGS.delta) {
    throw new HoldfastError('repository_newer', `a block has the unknown encoding ${encoding}`);
  }
  const plain = ofLength(unpack(body, plainBytes, dictionary), plainBytes);
  freeNow(record);
  return plain;
}

function unpack(frame: Buffer, plainBytes: number, dictionary: Buffer | null): Buffer {
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
