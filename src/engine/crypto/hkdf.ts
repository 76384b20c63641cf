import { hkdfSync } from 'node:crypto';

const NO_SALT = Buffer.alloc(0);

/** HKDF-SHA-256 (RFC 5869). `salt` may be empty, which RFC 5869 defines as 32 zero bytes. */
export function hkdf(
  inputKey: Uint8Array,
  salt: Uint8Array | null,
  info: string | Uint8Array,
  length: number,
): Buffer {
  return Buffer.from(hkdfSync('sha256', inputKey, salt ?? NO_SALT, info, length));
}
