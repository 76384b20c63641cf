/** Differences: a chunk compressed against others as raw zstd dictionary. Layout: docs/format.md section 4. */
import { constants, zstdCompressSync } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';

/** Bases of one difference, joined. */
export const MAX_DICTIONARY_BYTES = 2 ** 20;
/** zstd ignores anything this short. */
const MIN_DICTIONARY_BYTES = 64;
/** What begins like this zstd takes for a trained dictionary, not for plain bytes (RFC 8878, section 5). */
const TRAINED_MAGIC = 0xec30a437;

/** The plaintexts of bases as dictionary, in memory of its own when there are several; null for what zstd would not take as it is. */
export function dictionaryFrom(bases: readonly Buffer[]): Buffer | null {
  const joined = bases.length === 1 ? bases[0]! : Buffer.concat(bases);
  return canBeDictionary(joined) ? joined : null;
}

/** False for bytes that zstd would not take as they are. */
export function canBeDictionary(bytes: Buffer): boolean {
  const isInside = bytes.length >= MIN_DICTIONARY_BYTES && bytes.length <= MAX_DICTIONARY_BYTES;
  return isInside && bytes.readUInt32LE(0) !== TRAINED_MAGIC;
}

/** What a difference is decoded with. Throws `object_damaged` for bases that no writer would have taken. */
export function joinBases(bases: readonly Buffer[]): Buffer {
  const joined = dictionaryFrom(bases);
  if (joined) return joined;
  throw new HoldfastError('object_damaged', 'a difference has bases that cannot be its dictionary');
}

/** The zstd frame of `bytes` against what `dictionaryFrom` gave. */
export function compressDelta(bytes: Buffer, dictionary: Buffer): Buffer {
  return zstdCompressSync(bytes, {
    dictionary,
    pledgedSrcSize: bytes.length,
    chunkSize: FRAME_BYTES,
    params: {
      [constants.ZSTD_c_compressionLevel]: 1,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_hashLog]: hashLogOf(dictionary.length),
    },
  });
}

/** Most frames are far shorter; longer ones come in several pieces. */
const FRAME_BYTES = 4096;
/** Holds a dictionary whole. */
const WINDOW_LOG = 20;

/** Large enough to find every unchanged stretch again, small enough to be filled quickly: measured for 64 to 512 KiB. */
function hashLogOf(dictionaryBytes: number): number {
  return Math.min(17, Math.max(10, Math.ceil(Math.log2(dictionaryBytes)) - 3));
}
