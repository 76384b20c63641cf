import { createHmac } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { hkdf } from '../crypto/hkdf.ts';
import { type KeySlot, parseSlot } from '../crypto/key-slot.ts';
import type { Storage } from '../storage/port.ts';
import { eachLimited } from './each-limited.ts';
import { FOLDERS, slotName } from './object-names.ts';
import { isDamage } from './sealed-json.ts';

/** Slots are small; a repository has few, so that few rounds to a distant destination do. */
const SLOTS_AT_ONCE = 8;

/** A key slot as it lies on storage. */
export interface StoredSlot {
  readonly name: string;
  readonly slot: KeySlot;
  readonly bytes: Buffer;
}

export interface SlotList {
  /** Newest epoch first. */
  readonly slots: readonly StoredSlot[];
  readonly damaged: readonly { readonly name: string; readonly why: string }[];
}

/**
 * The slot's JSON with its `mac`: label and times are not part of what the wrapping authenticates, so whoever
 * opens the epoch by any slot can tell whether another was changed.
 */
export function encodeSlot(slot: KeySlot, masterKey: Uint8Array): Buffer {
  return Buffer.from(JSON.stringify({ ...slot, mac: macOf(JSON.stringify(slot), masterKey) }));
}

/** True when the stored slot is byte for byte what was written by somebody who had the epoch's master key. */
export function isSlotIntact(bytes: Buffer, masterKey: Uint8Array): boolean {
  try {
    const { mac, ...slot } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const expected = macOf(JSON.stringify(slot), masterKey);
    return mac === expected && Buffer.from(JSON.stringify({ ...slot, mac })).equals(bytes);
  } catch {
    return false;
  }
}

function macOf(json: string, masterKey: Uint8Array): string {
  const key = hkdf(masterKey, null, 'holdfast v1 slot mac', 32);
  return createHmac('sha256', key).update(json).digest('base64url');
}

/** Every slot that parses and lies under its own name; the others are listed as damaged. */
export async function readSlots(storage: Storage): Promise<SlotList> {
  const slots: StoredSlot[] = [];
  const damaged: { name: string; why: string }[] = [];
  await eachLimited(storage.list(FOLDERS.slots), SLOTS_AT_ONCE, async ({ name }) => {
    const bytes = await storage.get(name);
    try {
      const slot = parseSlot(bytes);
      if (slotName(slot.slotId) === name) slots.push({ name, slot, bytes });
      else damaged.push({ name, why: `${name} holds another slot` });
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ name, why: (error as HoldfastError).message });
    }
  });
  slots.sort((a, b) => b.slot.epoch - a.slot.epoch || a.name.localeCompare(b.name));
  damaged.sort((a, b) => a.name.localeCompare(b.name));
  return { slots, damaged };
}

/** How people tell the keys of slots apart: `0011223344556677 (laptop)`. */
export function describeKeys(slots: readonly StoredSlot[]): string {
  return slots.map(({ slot }) => (slot.label ? `${slot.keyId} (${slot.label})` : slot.keyId)).join(', ');
}

/** Of a repository that was finished once. */
export function withoutSlots({ address }: Pick<Storage, 'address'>): HoldfastError {
  return new HoldfastError('object_missing', `no key slot is left at ${address}: nothing opens it any more`, {
    next: 'put keys/ back from the recovery kit or another copy of the folder; else empty the destination or give it a new address, and run holdfast replicate',
  });
}
