/** Wraps a 32-byte key under a credential: shared by repository slots and bundles. docs/format.md section 3. */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { asInteger, asRecord, asText, fromB64, fromB64UpTo, toB64 } from './encoding.ts';
import { gcmOpen, gcmSeal, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './gcm.ts';
import { hkdf } from './hkdf.ts';
import { type Credential, kmsKeyId, rawKeyId } from './key-text.ts';

export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

export type KeyDerivation =
  | ({ readonly name: 'scrypt'; readonly salt: string } & ScryptCost)
  | { readonly name: 'hkdf'; readonly salt: string }
  /** `sealed` is what the service made of 32 random bytes; `key` names the key that did. */
  | { readonly name: 'kms'; readonly key: string; readonly sealed: string };

export interface WrappedKey {
  readonly keyId: string;
  readonly kdf: KeyDerivation;
  readonly wrapped: string;
  readonly commitment: string;
}

/** About 0.4 s and 128 MiB: what an operator bears once per run and a guesser pays for every guess. */
export const SCRYPT_COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };

const SALT_BYTES = 32;
const MAX_REFERENCE = 512;
/** Services give some 200 bytes; Vault's are text. */
const MAX_SEALED_BYTES = 8192;
const KDF_OF = { raw: 'hkdf', passphrase: 'scrypt', kms: 'kms' } as const;
const KEY_ID = /^[0-9a-f]{16}$/;
/** Unique by the key: each wrapping key comes from its own random salt and seals one message. */
const ONLY_NONCE = Buffer.alloc(NONCE_BYTES);

/** Wraps `secret` (32 bytes) so that `credential` opens it, bound to `aad`. */
export async function wrapKey(
  secret: Uint8Array,
  credential: Credential,
  aad: Uint8Array,
  cost: ScryptCost = SCRYPT_COST,
): Promise<WrappedKey> {
  const kdf = await newKdf(credential, aad, cost);
  const keys = await deriveKeys(kdf, credential, aad);
  // A service that gives other bytes back than it was given would lock everybody out.
  if (keys === null)
    throw new HoldfastError('kms_refused', `${nameOf(credential)} does not give back what it was given`);
  try {
    const wrapped = gcmSeal(keys.wrapping, ONLY_NONCE, aad, secret);
    return { keyId: keys.keyId, kdf, wrapped: toB64(wrapped), commitment: toB64(keys.commitment) };
  } finally {
    keys.wrapping.fill(0);
  }
}

/** The wrapped 32 bytes, or null when this credential does not open them, whatever the reason. */
export async function unwrapKey(
  wrapped: WrappedKey,
  credential: Credential,
  aad: Uint8Array,
): Promise<Buffer | null> {
  if (wrapped.kdf.name !== KDF_OF[credential.kind]) return null;
  const keys = await deriveKeys(wrapped.kdf, credential, aad);
  if (keys === null) return null;
  try {
    // GCM alone does not bind a ciphertext to one key, the commitment does.
    if (!timingSafeEqual(keys.commitment, Buffer.from(wrapped.commitment, 'base64url'))) return null;
    return gcmOpen(keys.wrapping, ONLY_NONCE, aad, Buffer.from(wrapped.wrapped, 'base64url'));
  } finally {
    keys.wrapping.fill(0);
  }
}

/** Checks untrusted JSON. Throws `object_damaged`, also for costs a reader must not pay. */
export function parseWrappedKey(value: unknown, what: string): WrappedKey {
  const record = asRecord(value, what);
  const keyId = asText(record.keyId, `key id of ${what}`, 16);
  if (!KEY_ID.test(keyId)) throw new HoldfastError('object_damaged', `key id of ${what} is malformed`);
  fromB64(record.wrapped, KEY_BYTES + TAG_BYTES, `wrapped key of ${what}`);
  fromB64(record.commitment, KEY_BYTES, `commitment of ${what}`);
  return {
    keyId,
    kdf: parseKdf(record.kdf, what),
    wrapped: record.wrapped as string,
    commitment: record.commitment as string,
  };
}

function parseKdf(value: unknown, what: string): KeyDerivation {
  const record = asRecord(value, `kdf of ${what}`);
  if (record.name === 'kms') {
    const key = asText(record.key, `kms key of ${what}`, MAX_REFERENCE);
    const sealed = toB64(fromB64UpTo(record.sealed, MAX_SEALED_BYTES, `sealed key of ${what}`));
    return { name: 'kms', key, sealed };
  }
  const salt = toB64(fromB64(record.salt, SALT_BYTES, `salt of ${what}`));
  if (record.name === 'hkdf') return { name: 'hkdf', salt };
  if (record.name !== 'scrypt') {
    throw new HoldfastError('object_damaged', `kdf of ${what} is not known`);
  }
  // Bounds before computing: a slot is read before anything proves who wrote it.
  const n = asInteger(record.n, 2, 2 ** 20, `scrypt n of ${what}`);
  const r = asInteger(record.r, 1, 16, `scrypt r of ${what}`);
  const p = asInteger(record.p, 1, 4, `scrypt p of ${what}`);
  if ((n & (n - 1)) !== 0)
    throw new HoldfastError('object_damaged', `scrypt n of ${what} is no power of two`);
  return { name: 'scrypt', n, r, p, salt };
}

async function newKdf(credential: Credential, aad: Uint8Array, cost: ScryptCost): Promise<KeyDerivation> {
  if (credential.kind === 'kms') {
    const base = randomBytes(KEY_BYTES);
    try {
      const sealed = await credential.encrypt(base, contextOf(aad));
      return { name: 'kms', key: credential.reference, sealed: toB64(sealed) };
    } finally {
      base.fill(0);
    }
  }
  const salt = toB64(randomBytes(SALT_BYTES));
  return credential.kind === 'raw' ? { name: 'hkdf', salt } : { name: 'scrypt', ...cost, salt };
}

const contextOf = (aad: Uint8Array) => createHash('sha256').update(aad).digest('hex');
const nameOf = (credential: Credential) => (credential.kind === 'kms' ? credential.reference : 'the key');

/** Null when the credential is for another slot. */
async function deriveKeys(kdf: KeyDerivation, credential: Credential, aad: Uint8Array) {
  const base = await deriveBase(kdf, credential, aad);
  if (base === null) return null;
  const both = hkdf(base, null, 'holdfast v1 slot wrap', 2 * KEY_BYTES);
  const keyId =
    credential.kind === 'raw'
      ? rawKeyId(credential.key)
      : credential.kind === 'kms'
        ? kmsKeyId(credential.reference)
        : hkdf(base, null, 'holdfast v1 key id', 8).toString('hex');
  base.fill(0);
  return { wrapping: both.subarray(0, KEY_BYTES), commitment: both.subarray(KEY_BYTES), keyId };
}

async function deriveBase(
  kdf: KeyDerivation,
  credential: Credential,
  aad: Uint8Array,
): Promise<Buffer | null> {
  if (kdf.name === 'kms' || credential.kind === 'kms') return kmsBase(kdf, credential, aad);
  const salt = Buffer.from(kdf.salt, 'base64url');
  if (credential.kind === 'raw') {
    if (credential.key.length !== KEY_BYTES) throw new HoldfastError('internal', 'a raw key has 32 bytes');
    return hkdf(credential.key, salt, 'holdfast v1 slot', KEY_BYTES);
  }
  if (kdf.name !== 'scrypt') throw new HoldfastError('internal', 'a passphrase needs scrypt');
  const { n, r, p } = kdf;
  // OpenSSL counts 128·n·r and 128·r·p and a little more; Node's default of 32 MiB would refuse our cost.
  const maxmem = 128 * r * (n + p + 2) + 2 ** 20;
  return new Promise((resolve, reject) => {
    scrypt(credential.passphrase, salt, KEY_BYTES, { N: n, r, p, maxmem }, (error, key) =>
      error ? reject(new HoldfastError('internal', 'scrypt failed', { cause: error })) : resolve(key),
    );
  });
}

/** Asks only for what this very key sealed: a slot may come from anyone, and must not make us ask for other things. */
async function kmsBase(kdf: KeyDerivation, credential: Credential, aad: Uint8Array): Promise<Buffer | null> {
  if (kdf.name !== 'kms' || credential.kind !== 'kms' || kdf.key !== credential.reference) return null;
  const base = await credential.decrypt(Buffer.from(kdf.sealed, 'base64url'), contextOf(aad));
  return base.length === KEY_BYTES ? base : null;
}
