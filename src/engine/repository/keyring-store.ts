import { HoldfastError } from '../base/errors.ts';
import { encodeKeyring, type Keyring, parseKeyring } from '../crypto/keyring.ts';
import { openObject, sealObject } from '../crypto/sealed-object.ts';
import type { Storage } from '../storage/port.ts';
import { epochOfKeyringName, FOLDERS, keyringName } from './object-names.ts';
import { named } from './sealed-json.ts';

/** Epochs that have a keyring, ascending. The last is the current one. */
export async function listEpochs(storage: Storage): Promise<number[]> {
  const epochs: number[] = [];
  for await (const { name } of storage.list(FOLDERS.keyrings)) {
    const epoch = epochOfKeyringName(name);
    if (epoch !== null) epochs.push(epoch);
  }
  return epochs;
}

/** Opens the keyring of an epoch. Throws `object_missing`, or `object_damaged` when the key does not open it. */
export async function readKeyring(
  storage: Storage,
  epoch: number,
  masterKey: Uint8Array,
  repositoryId: Uint8Array,
): Promise<Keyring> {
  const name = keyringName(epoch);
  const bytes = await storage.get(name);
  try {
    const opened = openObject({ bytes, type: 'keyring', repositoryId, masterKeyOf: () => masterKey });
    const keyring = parseKeyring(opened.payload);
    if (keyring.epoch !== epoch || opened.epoch !== epoch) throw new Error('lies under another epoch');
    if (!keyring.repositoryId.equals(repositoryId)) throw new Error('belongs to another repository');
    return keyring;
  } catch (error) {
    // The master key came out of an authenticated slot of this epoch: it is the keyring that is wrong.
    const { message } = named(error, name);
    throw new HoldfastError('object_damaged', message, { cause: error });
  }
}

/** Writes a keyring under its own epoch's master key. `exists` when that epoch has begun already. */
export async function putKeyring(
  storage: Storage,
  keyring: Keyring,
  masterKey: Uint8Array,
): Promise<'created' | 'exists'> {
  const bytes = sealObject({
    type: 'keyring',
    epoch: keyring.epoch,
    masterKey,
    repositoryId: keyring.repositoryId,
    payload: encodeKeyring(keyring),
  });
  const outcome = await storage.put(keyringName(keyring.epoch), bytes);
  if (outcome === 'created') return outcome;
  // A put may be answered `exists` when its first answer was lost.
  return (await storage.get(keyringName(keyring.epoch))).equals(bytes) ? 'created' : 'exists';
}
