import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { openSlot, sealSlot } from '../crypto/key-slot.ts';
import type { Credential } from '../crypto/key-text.ts';
import { type Keyring, nextKeyring } from '../crypto/keyring.ts';
import { HEADER_BYTES, readHeader } from '../crypto/object-header.ts';
import { deriveRepositoryKeys, type RepositoryKeys } from '../crypto/repository-keys.ts';
import type { ScryptCost } from '../crypto/wrap.ts';
import { putKeyring, readKeyring } from './keyring-store.ts';
import { type Lease, takeLease } from './leases.ts';
import { FOLDERS, keyringName, signersPrefix, slotName } from './object-names.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { listSigners, putSigner } from './signers.ts';
import { encodeSlot, isSlotIntact, readSlots, type StoredSlot } from './slot-store.ts';

/** A key slot as people see it. */
export interface SlotInfo {
  readonly slotId: string;
  readonly keyId: string;
  readonly epoch: number;
  readonly label: string;
  readonly createdAt: string;
  readonly kind: 'raw' | 'passphrase' | 'kms';
  /** False for a slot that opens an older epoch only. */
  readonly current: boolean;
  /** False when it was changed since it was written; null for an epoch that is not open. */
  readonly intact: boolean | null;
}

export interface NewSlot {
  readonly credential: Credential;
  readonly label: string;
}

/** The part of an open repository that key administration replaces. */
export interface OpenEpoch {
  readonly keyring: Keyring;
  readonly masterKey: Buffer;
}

export async function listSlots(context: RepositoryContext): Promise<SlotInfo[]> {
  const { keys } = context;
  return (await readSlots(context.storage)).slots.map(({ slot, bytes }) => ({
    slotId: slot.slotId,
    keyId: slot.keyId,
    epoch: slot.epoch,
    label: slot.label,
    createdAt: slot.createdAt,
    kind: slot.kdf.name === 'hkdf' ? 'raw' : slot.kdf.name === 'kms' ? 'kms' : 'passphrase',
    current: slot.epoch === keys.epoch,
    intact: keys.epochs.includes(slot.epoch) ? isSlotIntact(bytes, keys.masterKey(slot.epoch)) : null,
  }));
}

/** Lets another credential open the current epoch, and every older one through it. Resolves with the slot's id. */
export async function addSlot(
  context: RepositoryContext,
  added: NewSlot,
  scrypt?: ScryptCost,
): Promise<string> {
  requireWritable(context);
  const { keys } = context;
  return putSlot(context, added, keys.epoch, keys.masterKey(keys.epoch), scrypt);
}

async function putSlot(
  context: RepositoryContext,
  added: NewSlot,
  epoch: number,
  masterKey: Buffer,
  scrypt?: ScryptCost,
): Promise<string> {
  const slot = await sealSlot({
    ...added,
    masterKey,
    repositoryId: context.keys.repositoryId,
    epoch,
    createdAt: new Date(context.clock.nowMs()).toISOString(),
    ...(scrypt ? { scrypt } : {}),
  });
  await context.storage.put(slotName(slot.slotId), encodeSlot(slot, masterKey));
  return slot.slotId;
}

/**
 * Removes a slot: its credential opens the repository no more, though whoever kept the master key it once opened
 * still has that. Throws `key_last` for the last intact slot of the current epoch. Removing what is gone succeeds.
 */
export async function retireSlot(context: RepositoryContext, slotId: string): Promise<void> {
  requireWritable(context);
  const current = (await listSlots(context)).filter((slot) => slot.current && slot.intact);
  if (current.length === 1 && current[0]!.slotId === slotId) {
    throw new HoldfastError('key_last', `slot ${slotId} is the last that opens epoch ${context.keys.epoch}`);
  }
  await context.storage.remove(slotName(slotId));
}

export interface Rotation {
  /** The credentials that shall open the new epoch. Others keep reading what is there now, and no more. */
  readonly credentials: readonly NewSlot[];
  /** Signers, by fingerprint, that shall count only for backups started before now. */
  readonly retireSigners?: readonly string[];
  readonly scrypt?: ScryptCost;
}

/**
 * Begins a new epoch. Slots and signers come first and the keyring last, with no overwrite: it is the commit, so
 * that a rotation cut short at any point leaves the old epoch in use, and running it again starts over.
 * Throws `key_missing` (no credential kept), `key_wrong` (read-only), `lease_held`.
 */
export async function rotateEpoch(
  context: RepositoryContext,
  open: OpenEpoch,
  rotation: Rotation,
): Promise<OpenEpoch & { readonly keys: RepositoryKeys }> {
  requireWritable(context);
  if (rotation.credentials.length === 0) {
    throw new HoldfastError('key_missing', 'a rotation needs a key that opens the new epoch');
  }
  const lease = await takeLease(context, 'key rotation');
  try {
    return await rotateUnder(context, open, rotation, lease);
  } finally {
    await lease.release();
  }
}

async function rotateUnder(
  context: RepositoryContext,
  open: OpenEpoch,
  rotation: Rotation,
  lease: Lease,
): Promise<OpenEpoch & { readonly keys: RepositoryKeys }> {
  const { storage, clock } = context;
  const createdAt = new Date(clock.nowMs()).toISOString();
  const keyring = nextKeyring(open.keyring, open.masterKey, createdAt);
  const masterKey = randomBytes(32);
  const keys = deriveRepositoryKeys({ keyring, masterKey, writable: true });
  const next: RepositoryContext = { id: context.id, storage, clock, keys };
  const { valid } = await listSigners(context);
  const leftovers = await beginningsOf(context, keyring.epoch);
  for (const name of leftovers) await lease.remove(name);

  for (const kept of rotation.credentials) {
    await putSlot(context, kept, keyring.epoch, masterKey, rotation.scrypt);
  }
  for (const signer of valid.values()) {
    const retired = rotation.retireSigners?.includes(signer.fingerprint) ?? false;
    await putSigner(next, { ...signer, retiredAt: signer.retiredAt ?? (retired ? createdAt : null) });
  }
  await requireOpenable(next, rotation.credentials);
  await lease.check();
  if ((await putKeyring(storage, keyring, masterKey)) === 'exists') {
    throw new HoldfastError('lease_lost', `epoch ${keyring.epoch} was begun by somebody else`);
  }
  await readKeyring(storage, keyring.epoch, masterKey, keyring.repositoryId);
  return { keyring, masterKey, keys };
}

/**
 * What an interrupted rotation left of an epoch that has no keyring: nothing was ever sealed for good under it.
 * Throws `object_missing` when something was: then the keyring is lost and its slots must not follow.
 */
async function beginningsOf(context: RepositoryContext, epoch: number): Promise<string[]> {
  const { slots } = await readSlots(context.storage);
  const names = slots.filter(({ slot }) => slot.epoch === epoch).map(({ name }) => name);
  for await (const { name } of context.storage.list(signersPrefix(epoch))) names.push(name);
  if (names.length === 0) return names;
  for (const folder of [FOLDERS.index, FOLDERS.backups, FOLDERS.archived]) {
    for await (const { name } of context.storage.list(folder)) {
      const header = await context.storage.get(name, { offset: 0, length: HEADER_BYTES });
      if (epochOfHeader(header) < epoch) continue;
      throw new HoldfastError('object_missing', `${keyringName(epoch)} is missing, yet ${name} needs it`, {
        next: 'restore the keyring from another copy before rotating',
      });
    }
  }
  return names;
}

/** 0 for what is no object of ours. */
function epochOfHeader(header: Buffer): number {
  try {
    return readHeader(header).epoch;
  } catch {
    return 0;
  }
}

/** Reads the new slots back before the commit: a key that does not open what it should would lock everybody out. */
async function requireOpenable(next: RepositoryContext, kept: readonly NewSlot[]): Promise<void> {
  const { slots } = await readSlots(next.storage);
  const masterKey = next.keys.masterKey(next.keys.epoch);
  const fresh = slots.filter(({ slot }) => slot.epoch === next.keys.epoch);
  for (const { credential, label } of kept) {
    if (await opensAny(fresh, credential, masterKey)) continue;
    throw new HoldfastError(
      'object_damaged',
      `the new slot of key ${label} does not open; nothing was changed`,
    );
  }
}

async function opensAny(slots: readonly StoredSlot[], credential: Credential, masterKey: Buffer) {
  for (const { slot } of slots) {
    if ((await openSlot(slot, credential))?.equals(masterKey)) return true;
  }
  return false;
}
