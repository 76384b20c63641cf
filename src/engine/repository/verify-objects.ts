import { codeOf } from '../base/errors.ts';
import { HEADER_BYTES, type ObjectType, readHeader } from '../crypto/object-header.ts';
import { openObject } from '../crypto/sealed-object.ts';
import { openHolds } from './holds.ts';
import { readKeyring } from './keyring-store.ts';
import {
  CONFIG_NAME,
  epochOfKeyringName,
  FOLDERS,
  holdName,
  keyringName,
  tombstoneName,
} from './object-names.ts';
import { decodeConfig } from './repository-config.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage, named } from './sealed-json.ts';
import { listSignersOf } from './signers.ts';
import { isSlotIntact, readSlots } from './slot-store.ts';
import { readTombstones } from './tombstones.ts';
import type { DamagedObject } from './verify-report.ts';

type OnDamage = (damaged: DamagedObject) => void;

/** Checks everything but packs, indexes and manifests. Resolves with how many objects it looked at. */
export async function verifySmallObjects(context: RepositoryContext, onDamage: OnDamage): Promise<number> {
  const seen = new Map<string, DamagedObject>();
  const once: OnDamage = (damaged) => {
    if (!seen.has(damaged.name)) onDamage(damaged);
    seen.set(damaged.name, damaged);
  };
  let objects = 1;
  const firstCreatedAt = await checkKeyrings(context, once);
  await checkConfig(context, firstCreatedAt, once);
  objects += context.keys.epochs.length;
  objects += await checkSlots(context, once);
  objects += await checkSealed(context, FOLDERS.signers, 'signer', once);
  for (const epoch of context.keys.epochs) {
    for (const { name, why } of (await listSignersOf(context, epoch)).damaged) {
      once({ name, code: 'object_damaged', why });
    }
  }
  objects += await checkSealed(context, FOLDERS.holds, 'hold', once);
  for await (const hold of openHolds(context).list()) {
    const name = holdName(hold.backupId, hold.holdId);
    if (hold.reason === null) once({ name, code: 'object_damaged', why: `${name} does not decode` });
  }
  objects += await checkSealed(context, FOLDERS.tombstones, 'tombstone', once);
  for (const { pack, writtenAtMs } of (await readTombstones(context)).values()) {
    const name = tombstoneName(pack);
    if (writtenAtMs === null) once({ name, code: 'object_damaged', why: `${name} does not decode` });
  }
  objects += await checkSealed(context, FOLDERS.leases, 'lease', once);
  objects += await checkSealed(context, FOLDERS.evidence, 'evidence', once);
  return objects;
}

/** Resolves with when the repository was made, as its first keyring says; null when that cannot be known. */
async function checkKeyrings(context: RepositoryContext, onDamage: OnDamage): Promise<string | null> {
  const { storage, keys } = context;
  let createdAt: string | null = null;
  for (const epoch of keys.epochs) {
    const name = keyringName(epoch);
    try {
      const keyring = await readKeyring(storage, epoch, keys.masterKey(epoch), keys.repositoryId);
      if (epoch === 1) createdAt = keyring.createdAt;
    } catch (error) {
      onDamage(damageOf(name, error));
    }
  }
  for await (const { name } of storage.list(FOLDERS.keyrings)) {
    const epoch = epochOfKeyringName(name);
    if (epoch === null)
      onDamage({ name, code: 'object_damaged', why: `${name} is not the name of a keyring` });
  }
  return createdAt;
}

async function checkConfig(
  context: RepositoryContext,
  createdAt: string | null,
  onDamage: OnDamage,
): Promise<void> {
  try {
    const config = decodeConfig(await context.storage.get(CONFIG_NAME));
    const right = config.repositoryId === context.id && config.createdAt === (createdAt ?? config.createdAt);
    if (!right) throw named(null, CONFIG_NAME);
  } catch (error) {
    onDamage(damageOf(CONFIG_NAME, error));
  }
}

async function checkSlots(context: RepositoryContext, onDamage: OnDamage): Promise<number> {
  const { keys } = context;
  const { slots, damaged } = await readSlots(context.storage);
  for (const { name, why } of damaged) onDamage({ name, code: 'object_damaged', why });
  for (const { name, slot, bytes } of slots) {
    const open = keys.epochs.includes(slot.epoch);
    if (!open && (slot.epoch < keys.epoch || keys.writable)) {
      onDamage({
        name,
        code: 'object_damaged',
        why: `${name} is for epoch ${slot.epoch}, which has no keyring`,
      });
    } else if (open && !isSlotIntact(bytes, keys.masterKey(slot.epoch))) {
      onDamage({ name, code: 'object_damaged', why: `${name} was changed since it was written` });
    }
  }
  return slots.length + damaged.length;
}

/** Opens every sealed object of a folder. What only a newer key opens is left to who has that key. */
async function checkSealed(
  context: RepositoryContext,
  folder: string,
  type: ObjectType,
  onDamage: OnDamage,
): Promise<number> {
  const { storage, keys } = context;
  let objects = 0;
  for await (const { name } of storage.list(folder)) {
    objects += 1;
    try {
      const bytes = await storage.get(name);
      if (isBeyond(context, bytes)) continue;
      const masterKeyOf = (epoch: number) => keys.masterKey(epoch);
      openObject({ bytes, type, repositoryId: keys.repositoryId, masterKeyOf });
    } catch (error) {
      // A lease or tombstone may go while we look.
      if (codeOf(error) !== 'object_missing') onDamage(damageOf(name, error));
    }
  }
  return objects;
}

/** True for an object of an epoch that a read-only client has no key of. */
export function isBeyond(context: RepositoryContext, bytes: Buffer): boolean {
  if (context.keys.writable) return false;
  try {
    return readHeader(bytes.subarray(0, HEADER_BYTES)).epoch > context.keys.epoch;
  } catch {
    return false;
  }
}

/** What an error says about an object. Throws the error again when it says nothing: storage failed. */
export function damageOf(name: string, error: unknown): DamagedObject {
  if (codeOf(error) === 'object_missing') return { name, code: 'object_missing', why: `${name} is missing` };
  if (!isDamage(error)) throw error;
  return { name, code: error.code, why: named(error, name).message };
}
