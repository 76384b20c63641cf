/** Key slots: one epoch's master key under one credential. Layout: docs/format.md section 3. */

import { HoldfastError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import {
  asInteger,
  asRecord,
  asText,
  type JsonRecord,
  parseJsonRecord,
  uuidToBytes,
  uuidToText,
} from './encoding.ts';
import type { Credential } from './key-text.ts';
import { parseWrappedKey, type ScryptCost, unwrapKey, type WrappedKey, wrapKey } from './wrap.ts';

/** A slot as its JSON stands on storage. */
export interface KeySlot extends WrappedKey {
  readonly version: 1;
  readonly repositoryId: string;
  readonly slotId: string;
  readonly epoch: number;
  readonly label: string;
  readonly createdAt: string;
}

export const MAX_EPOCH = 99_999_999;
const MAX_LABEL = 256;

/** Makes a slot. `repositoryId` is 16 bytes; `scrypt` defaults to the cost the format prescribes. */
export async function sealSlot(input: {
  readonly credential: Credential;
  readonly masterKey: Uint8Array;
  readonly repositoryId: Uint8Array;
  readonly epoch: number;
  readonly label: string;
  readonly slotId?: string;
  readonly createdAt?: string;
  readonly scrypt?: ScryptCost;
}): Promise<KeySlot> {
  const slotId = input.slotId ?? newId();
  const aad = slotAad(input.repositoryId, input.epoch, slotId);
  const wrapped = await wrapKey(input.masterKey, input.credential, aad, input.scrypt);
  return {
    version: 1,
    repositoryId: uuidToText(input.repositoryId),
    slotId,
    keyId: wrapped.keyId,
    epoch: input.epoch,
    label: input.label.slice(0, MAX_LABEL),
    createdAt: input.createdAt ?? new Date().toISOString(),
    kdf: wrapped.kdf,
    wrapped: wrapped.wrapped,
    commitment: wrapped.commitment,
  };
}

/**
 * The master key, or null when the credential does not open the slot (never telling why).
 * Throws `object_damaged` when the slot is malformed or asks for more scrypt work than a reader may do,
 * before any of that work; `repository_newer` for another version.
 */
export async function openSlot(slot: unknown, credential: Credential): Promise<Buffer | null> {
  const checked = checkSlot(asRecord(slot, 'key slot'));
  const aad = slotAad(uuidToBytes(checked.repositoryId), checked.epoch, checked.slotId);
  return unwrapKey(checked, credential, aad);
}

/** Reads a slot from its bytes. Throws `object_damaged` or `repository_newer`. */
export function parseSlot(bytes: Uint8Array): KeySlot {
  if (bytes.length > 65_536) throw new HoldfastError('object_damaged', 'key slot is larger than 64 kib');
  return checkSlot(parseJsonRecord(bytes, 'key slot'));
}

function checkSlot(record: JsonRecord): KeySlot {
  if (typeof record.version === 'number' && record.version > 1) {
    throw new HoldfastError('repository_newer', 'key slot has a newer version');
  }
  if (record.version !== 1) throw new HoldfastError('object_damaged', 'key slot has no version');
  uuidToBytes(record.repositoryId, 'repository id of key slot');
  uuidToBytes(record.slotId, 'slot id of key slot');
  return {
    version: 1,
    repositoryId: record.repositoryId as string,
    slotId: record.slotId as string,
    epoch: asInteger(record.epoch, 1, MAX_EPOCH, 'epoch of key slot'),
    label: asText(record.label, 'label of key slot', MAX_LABEL),
    createdAt: asText(record.createdAt, 'time of key slot', 64),
    ...parseWrappedKey(record, 'key slot'),
  };
}

function slotAad(repositoryId: Uint8Array, epoch: number, slotId: string): Buffer {
  if (repositoryId.length !== 16) throw new HoldfastError('internal', 'a repository id has 16 bytes');
  const epochBytes = Buffer.alloc(4);
  epochBytes.writeUInt32LE(epoch);
  return Buffer.concat([
    Buffer.from('holdfast v1 slot'),
    repositoryId,
    epochBytes,
    uuidToBytes(slotId, 'slot id'),
  ]);
}
