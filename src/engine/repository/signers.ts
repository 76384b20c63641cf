import { hostname } from 'node:os';
import { z } from 'zod';
import { HoldfastError } from '../base/errors.ts';
import { fingerprintOf, type SigningKey } from '../crypto/signing.ts';
import { leafOf, signerName, signersPrefix } from './object-names.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { isDamage, openJson, sealJson } from './sealed-json.ts';

const timeSchema = z.iso.datetime({ precision: 3 });

const signerSchema = z.object({
  version: z.literal(1),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  publicKey: z.string(),
  host: z.string(),
  createdAt: timeSchema,
  /** Null while it may sign; afterwards only what was started before counts. */
  retiredAt: timeSchema.nullable(),
});

/** A host's public signing key, vouched for by whoever holds the epoch's key. */
export type Signer = z.infer<typeof signerSchema>;

export interface SignerList {
  /** By fingerprint in hex. */
  readonly valid: ReadonlyMap<string, Signer>;
  /** Objects that are not signers of this epoch, and why. */
  readonly damaged: readonly { readonly name: string; readonly why: string }[];
}

/** Reads the signers of the epoch in use. Objects sealed under any other epoch do not count. */
export function listSigners(context: RepositoryContext): Promise<SignerList> {
  return listSignersOf(context, context.keys.epoch);
}

/** Reads the signers of an epoch that is open: of older ones only to check that they are whole. */
export async function listSignersOf(context: RepositoryContext, epoch: number): Promise<SignerList> {
  const valid = new Map<string, Signer>();
  const damaged: { name: string; why: string }[] = [];
  for await (const { name } of context.storage.list(signersPrefix(epoch))) {
    try {
      const bytes = await context.storage.get(name);
      const opened = openJson(context, 'signer', { name, bytes }, signerSchema);
      const why = flawOf(opened.value, opened.epoch, epoch, leafOf(name));
      if (why) damaged.push({ name, why });
      else valid.set(opened.value.fingerprint, opened.value);
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ name, why: error.message });
    }
  }
  return { valid, damaged };
}

function flawOf(signer: Signer, epoch: number, wantedEpoch: number, leaf: string): string | null {
  if (epoch !== wantedEpoch) return `sealed under epoch ${epoch}`;
  const publicKey = Buffer.from(signer.publicKey, 'base64url');
  if (publicKey.length !== 32) return 'public key is not 32 bytes';
  if (fingerprintOf(publicKey).toString('hex') !== signer.fingerprint) return 'fingerprint is not of its key';
  return leaf === signer.fingerprint ? null : 'lies under another fingerprint';
}

/**
 * Makes the key known as a signer of the current epoch; does nothing when it is. Throws `key_wrong` when the
 * repository is read-only, `object_damaged` when another object lies in its place.
 */
export async function ensureSigner(context: RepositoryContext, key: SigningKey): Promise<Signer> {
  return (await ensuredSigners(context, key)).signer;
}

/** The same, with all signers as they were read when it was one of them. */
export async function ensuredSigners(
  context: RepositoryContext,
  key: SigningKey,
): Promise<{ readonly signer: Signer; readonly list: SignerList }> {
  const fingerprint = fingerprintOf(key.publicKey).toString('hex');
  const before = await listSigners(context);
  const known = before.valid.get(fingerprint);
  if (known) return { signer: known, list: before };
  requireWritable(context);
  const signer: Signer = {
    version: 1,
    fingerprint,
    publicKey: Buffer.from(key.publicKey).toString('base64url'),
    host: hostname(),
    createdAt: new Date(context.clock.nowMs()).toISOString(),
    retiredAt: null,
  };
  await putSigner(context, signer);
  const list = await listSigners(context);
  const stored = list.valid.get(fingerprint);
  if (!stored) {
    const name = signerName(context.keys.epoch, fingerprint);
    throw new HoldfastError('object_damaged', `${name} is not the signer it should be`);
  }
  return { signer: stored, list };
}

/** Seals a signer under the context's current epoch. An object already there is left alone. */
export async function putSigner(context: RepositoryContext, signer: Signer): Promise<void> {
  const name = signerName(context.keys.epoch, signer.fingerprint);
  await context.storage.put(name, sealJson(context, 'signer', signer));
}
