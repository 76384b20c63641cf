/** Sealed objects: everything on storage but packs, config and slots. Layout: docs/format.md section 2. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';
import { gcmOpen, gcmSeal, TAG_BYTES } from './gcm.ts';
import { counterNonce } from './nonce.ts';
import { HEADER_BYTES, newHeader, type ObjectType, openHeader, readHeader } from './object-header.ts';

export const MAX_PAYLOAD_BYTES = 256 * 2 ** 20;

const SEGMENT_BYTES = 2 ** 20;
const STORED_SEGMENT_BYTES = SEGMENT_BYTES + TAG_BYTES;
const LAST = 0x01000000;
const RAW = 0;
const ZSTD = 1;

/** Compresses and seals a payload into a whole object. Throws `limit_exceeded` above 256 MiB. */
export function sealObject(input: {
  readonly type: ObjectType;
  readonly epoch: number;
  readonly masterKey: Uint8Array;
  readonly repositoryId: Uint8Array;
  readonly payload: Uint8Array;
}): Buffer {
  const plain = encodePayload(input.payload);
  const { header, key } = newHeader(input);
  const parts = [header];
  for (let at = 0, i = 0; i === 0 || at < plain.length; at += SEGMENT_BYTES, i += 1) {
    const last = at + SEGMENT_BYTES >= plain.length;
    const segment = plain.subarray(at, at + SEGMENT_BYTES);
    parts.push(gcmSeal(key, counterNonce(last ? LAST : 0, i), header, segment));
  }
  key.fill(0);
  return Buffer.concat(parts);
}

/**
 * Opens a whole object. `masterKeyOf` throws `key_wrong` for an epoch it has no key of.
 * Throws `object_damaged`, `key_wrong`, `repository_newer`; `limit_exceeded` above 256 MiB.
 */
export function openObject(input: {
  readonly bytes: Uint8Array;
  readonly type: ObjectType;
  readonly repositoryId: Uint8Array;
  readonly masterKeyOf: (epoch: number) => Uint8Array;
}): { payload: Buffer; epoch: number } {
  const { bytes, type } = input;
  const { epoch } = readHeader(bytes);
  const header = bytes.subarray(0, HEADER_BYTES);
  const key = openHeader(header, input.masterKeyOf(epoch), type, input.repositoryId);
  const body = bytes.subarray(HEADER_BYTES);
  if (body.length > 2 * MAX_PAYLOAD_BYTES) throw tooLarge(type);
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; i === 0 || at < body.length; at += STORED_SEGMENT_BYTES, i += 1) {
    const last = at + STORED_SEGMENT_BYTES >= body.length;
    const stored = body.subarray(at, at + STORED_SEGMENT_BYTES);
    const plain = gcmOpen(key, counterNonce(last ? LAST : 0, i), header, stored);
    if (plain === null)
      throw new HoldfastError('object_damaged', `segment ${i} of the ${type} is not authentic`);
    parts.push(plain);
  }
  key.fill(0);
  return { payload: decodePayload(Buffer.concat(parts), type), epoch };
}

function encodePayload(payload: Uint8Array): Buffer {
  if (payload.length > MAX_PAYLOAD_BYTES) throw tooLarge('payload');
  const packed = zstdCompressSync(payload);
  return packed.length < payload.length
    ? Buffer.concat([Buffer.of(ZSTD), packed])
    : Buffer.concat([Buffer.of(RAW), payload]);
}

function decodePayload(plain: Buffer, type: ObjectType): Buffer {
  const body = plain.subarray(1);
  if (body.length > MAX_PAYLOAD_BYTES) throw tooLarge(type);
  if (plain[0] === RAW) return body;
  if (plain[0] !== ZSTD) throw new HoldfastError('object_damaged', `the ${type} has no known encoding`);
  try {
    return zstdDecompressSync(body, {
      maxOutputLength: MAX_PAYLOAD_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: 27 },
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(type);
    throw new HoldfastError('object_damaged', `the ${type} does not decompress`, { cause: error });
  }
}

function tooLarge(what: string): HoldfastError {
  return new HoldfastError('limit_exceeded', `the ${what} is larger than 256 mib`);
}
