/** The signature of a bundle: over every byte of its tar before `manifest.sig`. docs/format.md section 10. */
import { createHash, type Hash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import {
  FINGERPRINT_BYTES,
  fingerprintOf,
  SIGNATURE_BYTES,
  SIGNING_CONTEXTS,
  type SigningKey,
  sign,
  verifySignature,
} from '../crypto/signing.ts';

export const SIGNATURE_FILE_BYTES = SIGNATURE_BYTES + FINGERPRINT_BYTES;

/** Signs the SHA-256 of a tar, in the context `bundleManifest`. */
export type BundleSign = (message: Buffer) => { readonly signature: Buffer; readonly fingerprint: Buffer };

/** What `writeBundle` takes as `sign` for a key of this host. */
export function bundleSigner(key: SigningKey): BundleSign {
  return (message) => ({
    signature: sign(key, SIGNING_CONTEXTS.bundleManifest, message),
    fingerprint: key.fingerprint,
  });
}

export function tarHash(): Hash {
  return createHash('sha256');
}

/** Throws `manifest_forged` unless one of `publicKeys` made this signature file over this tar. */
export function verifyBundleSignature(
  file: Buffer,
  tarSha256: Buffer,
  publicKeys: readonly Uint8Array[],
): void {
  const signature = file.subarray(0, SIGNATURE_BYTES);
  const fingerprint = file.subarray(SIGNATURE_BYTES);
  const key = publicKeys.find((candidate) => fingerprintOf(candidate).equals(fingerprint));
  if (key && verifySignature(key, SIGNING_CONTEXTS.bundleManifest, tarSha256, signature)) return;
  throw new HoldfastError('manifest_forged', 'the bundle is not signed by a known signer');
}
