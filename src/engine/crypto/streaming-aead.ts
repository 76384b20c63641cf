/**
 * Tink's streaming AEAD, AES256_GCM_HKDF with segments of 1 MiB
 * (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming).
 */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { gcmOpen, gcmSeal, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './gcm.ts';
import { hkdf } from './hkdf.ts';
import { MAX_COUNTER } from './nonce.ts';
import { inSegments } from './segments.ts';

export const STREAM_SEGMENT_BYTES = 2 ** 20;

const SALT_BYTES = 32;
const PREFIX_BYTES = 7;
const HEADER_BYTES = 1 + SALT_BYTES + PREFIX_BYTES;
const NO_AAD = Buffer.alloc(0);

export interface StreamOptions {
  /** Size of a ciphertext segment; other than 1 MiB in tests only. */
  readonly segmentBytes?: number;
  /** Lowers the bound on segments in a stream, for tests. */
  readonly maxSegments?: number;
}

/** Encrypts with memory for two segments. `key` has 32 bytes; `associatedData` must be given again to decrypt. */
export async function* encryptStream(
  key: Uint8Array,
  associatedData: Uint8Array,
  source: AsyncIterable<Uint8Array>,
  options: StreamOptions = {},
): AsyncGenerator<Buffer> {
  const size = (options.segmentBytes ?? STREAM_SEGMENT_BYTES) - TAG_BYTES;
  const salt = randomBytes(SALT_BYTES);
  const prefix = randomBytes(PREFIX_BYTES);
  const streamKey = hkdf(key, salt, associatedData, KEY_BYTES);
  try {
    yield Buffer.concat([Buffer.of(HEADER_BYTES), salt, prefix]);
    for await (const { index, bytes, last } of inSegments(source, size - HEADER_BYTES, size)) {
      yield gcmSeal(streamKey, segmentNonce(prefix, index, last, options.maxSegments), NO_AAD, bytes);
    }
  } finally {
    streamKey.fill(0);
  }
}

/**
 * Decrypts; each yielded part was verified, position and all. That the stream is whole is known only once the
 * generator ends: a cut one throws after its last good segment. Throws `bundle_malformed`.
 */
export async function* decryptStream(
  key: Uint8Array,
  associatedData: Uint8Array,
  source: AsyncIterable<Uint8Array>,
  options: StreamOptions = {},
): AsyncGenerator<Buffer> {
  const size = options.segmentBytes ?? STREAM_SEGMENT_BYTES;
  let streamKey: Buffer | null = null;
  let prefix: Uint8Array = NO_AAD;
  try {
    for await (const { index, bytes, last } of inSegments(source, size, size)) {
      let stored = bytes;
      if (streamKey === null) {
        if (bytes.length < HEADER_BYTES || bytes[0] !== HEADER_BYTES) throw malformed('has no stream header');
        prefix = Buffer.from(bytes.subarray(1 + SALT_BYTES, HEADER_BYTES));
        streamKey = hkdf(key, bytes.subarray(1, 1 + SALT_BYTES), associatedData, KEY_BYTES);
        stored = bytes.subarray(HEADER_BYTES);
      }
      const nonce = segmentNonce(prefix, index, last, options.maxSegments);
      const plain = gcmOpen(streamKey, nonce, NO_AAD, stored);
      if (plain === null) throw malformed(`is not authentic at segment ${index}`);
      if (plain.length > 0) yield plain;
    }
  } finally {
    streamKey?.fill(0);
  }
}

/** prefix ‖ index u32 BE ‖ last. Throws `limit_exceeded` before the index would wrap. */
function segmentNonce(prefix: Uint8Array, index: number, last: boolean, maxSegments = MAX_COUNTER): Buffer {
  if (index >= Math.min(maxSegments, MAX_COUNTER)) {
    throw new HoldfastError('limit_exceeded', `stream has more than ${maxSegments} segments`);
  }
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.set(prefix);
  nonce.writeUInt32BE(index, PREFIX_BYTES);
  nonce[NONCE_BYTES - 1] = last ? 1 : 0;
  return nonce;
}

function malformed(why: string): HoldfastError {
  return new HoldfastError('bundle_malformed', `the stream ${why}`);
}
