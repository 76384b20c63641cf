/** Strict decoders for what stands in untrusted JSON: one text form per value, exact lengths. */
import { HoldfastError } from '../base/errors.ts';

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export type JsonRecord = { readonly [key: string]: unknown };

export function toB64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Bytes of canonical base64url without padding. Throws `object_damaged` for anything else. */
export function fromB64(value: unknown, length: number, what: string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64url') : null;
  if (bytes === null || bytes.length !== length || bytes.toString('base64url') !== value) {
    throw new HoldfastError('object_damaged', `${what} is not ${length} bytes of base64url`);
  }
  return bytes;
}

/** The same for at most `most` bytes. */
export function fromB64UpTo(value: unknown, most: number, what: string): Buffer {
  const length = typeof value === 'string' ? Buffer.from(value, 'base64url').length : 0;
  if (length === 0 || length > most)
    throw new HoldfastError('object_damaged', `${what} is not 1 to ${most} bytes of base64url`);
  return fromB64(value, length, what);
}

/** The 16 bytes of a lower-case UUID text. Throws `object_damaged`. */
export function uuidToBytes(value: unknown, what = 'id'): Buffer {
  if (typeof value !== 'string' || !UUID_TEXT.test(value)) {
    throw new HoldfastError('object_damaged', `${what} is not a uuid`);
  }
  return Buffer.from(value.replaceAll('-', ''), 'hex');
}

/** The lower-case text of 16 bytes. */
export function uuidToText(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new HoldfastError('internal', `a uuid has 16 bytes, not ${bytes.length}`);
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A JSON object from bytes. Throws `object_damaged`. */
export function parseJsonRecord(bytes: Uint8Array, what: string): JsonRecord {
  try {
    return asRecord(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), what);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('object_damaged', `${what} is not json`);
  }
}

export function asRecord(value: unknown, what: string): JsonRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HoldfastError('object_damaged', `${what} is not an object`);
  }
  return value as JsonRecord;
}

export function asText(value: unknown, what: string, maxLength = 4096): string {
  if (typeof value !== 'string' || value.length > maxLength) {
    throw new HoldfastError('object_damaged', `${what} is not a text of at most ${maxLength} characters`);
  }
  return value;
}

/** An integer within [min, max]. */
export function asInteger(value: unknown, min: number, max: number, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new HoldfastError('object_damaged', `${what} is not an integer from ${min} to ${max}`);
  }
  return value;
}
