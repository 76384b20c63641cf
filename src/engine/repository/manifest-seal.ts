import { HoldfastError } from '../base/errors.ts';
import { openObject, sealObject } from '../crypto/sealed-object.ts';
import {
  FINGERPRINT_BYTES,
  SIGNATURE_BYTES,
  SIGNING_CONTEXTS,
  type SigningKey,
  sign,
  verifySignature,
} from '../crypto/signing.ts';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts';
import { type ManifestRef, manifestPath } from './manifest-path.ts';
import type { RepositoryContext } from './repository-context.ts';
import { named } from './sealed-json.ts';
import type { Signer } from './signers.ts';

const CONTEXT = SIGNING_CONTEXTS.manifest;
const JSON_AT = SIGNATURE_BYTES + FINGERPRINT_BYTES;

/** What gets signed besides the context. It does not name the epoch, so that a manifest can be sealed again. */
const messageOf = (context: RepositoryContext, json: Buffer) =>
  Buffer.concat([context.keys.repositoryId, json]);

/** Signs a manifest: `signature ‖ fingerprint ‖ JSON`. */
export function signManifest(context: RepositoryContext, manifest: Manifest, key: SigningKey): Buffer {
  const json = encodeManifest(manifest);
  const signature = sign(key, CONTEXT, messageOf(context, json));
  return Buffer.concat([signature, key.fingerprint, json]);
}

/** Seals a signed body under the current epoch. */
export function sealManifestBody(context: RepositoryContext, body: Buffer): Buffer {
  const { keys } = context;
  return sealObject({
    type: 'manifest',
    epoch: keys.epoch,
    masterKey: keys.masterKey(keys.epoch),
    repositoryId: keys.repositoryId,
    payload: body,
  });
}

/** Opens the seal only. Throws `object_damaged` or `key_wrong` naming the object. */
export function openManifestBody(
  context: RepositoryContext,
  object: { readonly name: string; readonly bytes: Buffer },
): { body: Buffer; epoch: number } {
  const { keys } = context;
  try {
    const opened = openObject({
      bytes: object.bytes,
      type: 'manifest',
      repositoryId: keys.repositoryId,
      masterKeyOf: (epoch) => keys.masterKey(epoch),
    });
    return { body: opened.payload, epoch: opened.epoch };
  } catch (error) {
    throw named(error, object.name);
  }
}

/** Cause of the error for a manifest that only lacks its signer: it may be a backup whose signer object was lost. */
export const SIGNER_UNKNOWN = Symbol('signer unknown');

/**
 * Checks signature, signer, repository and place. Only what passes is a backup.
 * Throws `manifest_forged` naming the object and the flaw.
 */
export function acceptManifest(
  context: RepositoryContext,
  ref: ManifestRef,
  body: Buffer,
  signers: ReadonlyMap<string, Signer>,
): Manifest {
  const forged = (why: string, cause?: symbol) =>
    new HoldfastError('manifest_forged', `${ref.name} ${why}`, { cause });
  const signature = body.subarray(0, SIGNATURE_BYTES);
  const fingerprint = signerOfBody(body);
  const json = body.subarray(JSON_AT);
  const signer = signers.get(fingerprint);
  if (!signer) {
    const claimed = decodeManifest(json);
    const cause = claimed && isInPlace(context, ref, claimed) ? SIGNER_UNKNOWN : undefined;
    throw forged('is not signed by a known signer', cause);
  }
  const publicKey = Buffer.from(signer.publicKey, 'base64url');
  if (!verifySignature(publicKey, CONTEXT, messageOf(context, json), signature)) {
    throw forged('has a signature that does not match');
  }
  const manifest = decodeManifest(json);
  if (!manifest) throw forged('is signed but is not a manifest of version 1');
  if (manifest.repositoryId !== context.id) throw forged('belongs to another repository');
  if (!isInPlace(context, ref, manifest)) throw forged('lies where it does not belong');
  if (signer.retiredAt !== null && manifest.startedAt > signer.retiredAt) {
    throw forged('was signed by a signer retired before it began');
  }
  return manifest;
}

function isInPlace(context: RepositoryContext, ref: ManifestRef, manifest: Manifest): boolean {
  return manifest.repositoryId === context.id && `${ref.state}/${manifestPath(manifest)}` === ref.name;
}

/** Fingerprint, in hex, of whoever claims to have signed a body. */
export function signerOfBody(body: Buffer): string {
  return body.subarray(SIGNATURE_BYTES, JSON_AT).toString('hex');
}
