import { HoldfastError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { type KeySlot, openSlot } from '../crypto/key-slot.ts';
import { type Credential, kmsKeyId } from '../crypto/key-text.ts';
import type { SlotInfo } from '../repository/key-admin.ts';
import { slotName } from '../repository/object-names.ts';
import { reencrypt as reencryptRepository } from '../repository/reencrypt.ts';
import { readSlots } from '../repository/slot-store.ts';
import type { OperationContext } from './context.ts';

/** Every key that opens the repository, or an older epoch of it. */
export async function listKeys({ repository }: OperationContext): Promise<SlotInfo[]> {
  return repository.listSlots();
}

/** Ids of the slots that these credentials open, so that nobody locks themselves out. A key in a service goes by its name. */
export async function slotsOpenedBy(
  { repository }: OperationContext,
  credentials: readonly Credential[],
): Promise<string[]> {
  const opens = async (slot: KeySlot, credential: Credential) =>
    credential.kind === 'kms'
      ? slot.keyId === kmsKeyId(credential.reference)
      : (await openSlot(slot, credential)) !== null;
  const opened: string[] = [];
  for (const { slot } of (await readSlots(repository.storage)).slots) {
    for (const credential of credentials) {
      if (!(await opens(slot, credential))) continue;
      opened.push(slot.slotId);
      break;
    }
  }
  return opened;
}

/** Lets another key or passphrase open the repository. Throws `key_wrong`, `kms_*`. */
export async function addKey(
  { repository }: OperationContext,
  credential: Credential,
  label: string,
): Promise<{ slotId: string }> {
  return { slotId: await repository.addSlot(credential, label) };
}

/**
 * Removes a key slot, named by the beginning of its id or by its key id. Whoever has the key and an old copy of the slot still
 * opens what was there. Throws `key_last`, `id_unknown`, `id_ambiguous`.
 */
export async function retireKey({ repository }: OperationContext, text: string): Promise<{ slotId: string }> {
  const slots = await repository.listSlots();
  const named = slots.filter(({ slotId, keyId }) => slotId.startsWith(text) || keyId === text);
  // A damaged one is in no list and opens nothing.
  if (named.length === 0 && isId(text) && (await repository.storage.stat(slotName(text)))) {
    await repository.retireSlot(text);
    return { slotId: text };
  }
  if (named.length === 0)
    throw new HoldfastError('id_unknown', `no key slot is named ${text}`, { next: 'see holdfast key list' });
  if (named.length > 1) throw new HoldfastError('id_ambiguous', `more than one key slot is named ${text}`);
  const { slotId } = named[0]!;
  await repository.retireSlot(slotId);
  return { slotId };
}

/** Begins a new epoch that this key alone opens; it reads everything older. Not a revocation: see `reencrypt`. */
export async function rotateKey(
  { repository }: OperationContext,
  credential: Credential,
  label: string,
): Promise<{ epoch: number }> {
  await repository.rotateEpoch({ credentials: [{ credential, label }] });
  return { epoch: repository.keys.epoch };
}

/** Brings everything under the current epoch. Can be interrupted and run again. */
export async function reencrypt(
  context: OperationContext,
): Promise<{ rewrittenObjects: number; rewrittenBytes: number }> {
  const { repository, progress, signal } = context;
  const { rewrittenObjects, rewrittenBytes } = await reencryptRepository(repository, { progress, signal });
  return { rewrittenObjects, rewrittenBytes };
}
