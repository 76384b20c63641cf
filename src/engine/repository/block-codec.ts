import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { freeNow, OWN_MEMORY_BYTES } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { ENCODINGS } from './pack-toc.ts';

/** The window a 4 MiB block can need; a frame that asks for more is hostile. */
const WINDOW_LOG_MAX = 23;
/**
 * Room behind the plain bytes, so that they come in one piece: many pieces to be joined take twice the time. Small ones get memory of
 * their own, which `freeNow` can give back.
 */
const SPARE_BYTES = 64;

const decompress: (frame: Buffer, options: ZstdOptions) => Promise<Buffer> = promisify(zstdDecompress);

/**
 * Decodes a block's record (docs/format.md section 4) into exactly `plainBytes`, off this thread, and takes the
 * record's memory: only the result is to be used afterwards. `dictionary` is what a difference was made against, null for
 * a block that the table calls none. Nothing is proven by decoding: check the chunks against their ids. Throws
 * `object_damaged`, `repository_newer`.
 */
export async function decodeRecord(
  record: Buffer,
  plainBytes: number,
  dictionary: Buffer | null,
): Promise<Buffer> {
  if (!isFrame(record, dictionary !== null)) return ofLength(record.subarray(1), plainBytes);
  const unpacked = decompress(record.subarray(1), optionsOf(plainBytes, dictionary)).catch(refuse);
  return decoded(record, await unpacked, plainBytes);
}

/** The same on this thread, for a worker. */
export function decodeRecordNow(record: Buffer, plainBytes: number, dictionary: Buffer | null): Buffer {
  if (!isFrame(record, dictionary !== null)) return ofLength(record.subarray(1), plainBytes);
  try {
    const unpacked = zstdDecompressSync(record.subarray(1), optionsOf(plainBytes, dictionary));
    return decoded(record, unpacked, plainBytes);
  } catch (error) {
    return refuse(error);
  }
}

/** What a record holds behind its encoding. */
export function frameOf(record: Buffer): Buffer {
  return record.subarray(1);
}

/** False for a record that holds the bytes as they are. */
function isFrame(record: Buffer, isDelta: boolean): boolean {
  const encoding = record[0] ?? -1;
  if ((encoding === ENCODINGS.delta) !== isDelta) {
    throw new HoldfastError('object_damaged', 'a block is not of the encoding its table says');
  }
  if (encoding === ENCODINGS.raw) return false;
  if (encoding === ENCODINGS.zstd || encoding === ENCODINGS.delta) return true;
  throw new HoldfastError('repository_newer', `a block has the unknown encoding ${encoding}`);
}

function optionsOf(plainBytes: number, dictionary: Buffer | null): ZstdOptions {
  return {
    maxOutputLength: Math.max(1, plainBytes),
    chunkSize: Math.max(plainBytes + SPARE_BYTES, OWN_MEMORY_BYTES),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    ...(dictionary ? { dictionary } : {}),
  };
}

function refuse(error: unknown): never {
  if (error instanceof HoldfastError) throw error;
  throw new HoldfastError('object_damaged', 'a block does not decompress', { cause: error });
}

function decoded(record: Buffer, unpacked: Buffer, plainBytes: number): Buffer {
  const plain = ofLength(unpacked, plainBytes);
  freeNow(record);
  return plain;
}

function ofLength(bytes: Buffer, plainBytes: number): Buffer {
  if (bytes.length === plainBytes) return bytes;
  throw new HoldfastError(
    'object_damaged',
    `a block has ${bytes.length} bytes, its table says ${plainBytes}`,
  );
}
