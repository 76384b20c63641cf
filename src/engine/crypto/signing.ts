/** Ed25519 signatures (RFC 8032) with a context in front of the message. docs/format.md section 7. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const FINGERPRINT_BYTES = 32;

/** What is signed begins with one of these, none a prefix of another: no signature serves two purposes. */
export const SIGNING_CONTEXTS = {
  manifest: 'holdfast v1 manifest',
  bundleManifest: 'holdfast v1 bundle manifest',
  ledgerEntry: 'holdfast v1 ledger entry',
  ledgerCheckpoint: 'holdfast v1 ledger checkpoint',
  ledgerAnchor: 'holdfast v1 ledger anchor',
  evidence: 'holdfast v1 evidence',
  evidencePage: 'holdfast v1 page of evidence',
} as const;

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** The raw 32 bytes. */
  readonly publicKey: Buffer;
  readonly fingerprint: Buffer;
}

/** The DER of an Ed25519 public key up to its 32 bytes (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export function newSigningKey(): SigningKey {
  return fromPrivateKey(generateKeyPairSync('ed25519').privateKey);
}

/** Reads an unencrypted PKCS #8 PEM. Throws `key_malformed`. */
export function signingKeyFromPem(pem: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // The cause is left out: it may quote the key.
    throw new HoldfastError('key_malformed', 'the signing key is not a private key in pem form');
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new HoldfastError('key_malformed', 'the signing key is not an ed25519 key');
  }
  return fromPrivateKey(privateKey);
}

/** PKCS #8 PEM. It is a secret: the caller writes it 0600. */
export function toPem(key: SigningKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** The 64-byte signature over `context ‖ message`. */
export function sign(key: SigningKey, context: string, message: Uint8Array): Buffer {
  return signBytes(null, Buffer.concat([Buffer.from(context), message]), key.privateKey);
}

/** True only for a valid signature; malformed keys and signatures are false, never an exception. */
export function verifySignature(
  publicKey: Uint8Array,
  context: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return signatureVerifier(publicKey)(context, message, signature);
}

export type SignatureVerifier = (context: string, message: Uint8Array, signature: Uint8Array) => boolean;

/** The same for many signatures by one key. A malformed key verifies nothing. */
export function signatureVerifier(publicKey: Uint8Array): SignatureVerifier {
  const key = publicKeyOf(publicKey);
  return (context, message, signature) => {
    if (key === null || signature.length !== SIGNATURE_BYTES) return false;
    try {
      return verifyBytes(null, Buffer.concat([Buffer.from(context), message]), key, signature);
    } catch {
      return false;
    }
  };
}

function publicKeyOf(bytes: Uint8Array): KeyObject | null {
  if (bytes.length !== PUBLIC_KEY_BYTES) return null;
  try {
    return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

/** SHA-256 of the raw public key. */
export function fingerprintOf(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest();
}

function fromPrivateKey(privateKey: KeyObject): SigningKey {
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const publicKey = Buffer.from(der.subarray(SPKI_PREFIX.length));
  return { privateKey, publicKey, fingerprint: fingerprintOf(publicKey) };
}
