import { codeOf, HoldfastError } from '../base/errors.ts';
import { uuidToBytes } from '../crypto/encoding.ts';
import { openSlot } from '../crypto/key-slot.ts';
import { type Credential, rawKeyId } from '../crypto/key-text.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { deriveRepositoryKeys, type RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import { listEpochs, readKeyring } from './keyring-store.ts';
import { CONFIG_NAME, keyringName } from './object-names.ts';
import { type RepositoryConfig, readConfig } from './repository-config.ts';
import { describeKeys, readSlots, type SlotList, type StoredSlot, withoutSlots } from './slot-store.ts';
import { together } from './together.ts';

/** What a credential that fits gives: everything sealed, up to the epoch of its slot. */
export interface UnlockedRepository {
  readonly config: RepositoryConfig;
  readonly keyring: Keyring;
  readonly masterKey: Buffer;
  readonly keys: RepositoryKeys;
  readonly slots: SlotList;
  /** The slot that opened. */
  readonly slot: StoredSlot;
  /** Epochs that have a keyring, ascending, as they were listed with the slots. */
  readonly epochs: readonly number[];
}

/**
 * Opens the newest epoch that any of the credentials opens. Throws `repository_missing`, `repository_newer`,
 * `object_damaged` (config or keyring), `object_missing` (config, every slot, keyring), `key_missing` (none given), and `key_wrong`
 * naming the key ids that would open it.
 */
export async function unlock(
  storage: Storage,
  credentials: readonly Credential[],
  whileDeriving = () => {},
): Promise<UnlockedRepository> {
  if (credentials.length === 0) {
    await readConfig(storage);
    throw new HoldfastError('key_missing');
  }
  const [config, slots, epochs] = await together(
    readConfig(storage),
    readSlots(storage),
    listEpochs(storage),
  );
  const usable = slots.slots.filter(({ slot }) => slot.repositoryId === config.repositoryId);
  if (usable.length === 0) throw withoutSlot(storage, slots, epochs);
  const opened = await openNewest(storage, config, usable, credentials, whileDeriving);
  if (!opened) throw keyWrong(usable, slots);
  const { keyring, masterKey, slot } = opened;
  const derived = deriveRepositoryKeys({ keyring, masterKey, writable: keyring.epoch === epochs.at(-1) });
  return { config, keyring, masterKey, keys: namingKeys(derived, usable), slots, slot, epochs };
}

function withoutSlot(
  storage: Storage,
  { slots, damaged }: SlotList,
  epochs: readonly number[],
): HoldfastError {
  if (slots.length > 0) {
    return new HoldfastError('object_damaged', `${CONFIG_NAME} names another repository than every key slot`);
  }
  if (damaged.length > 0) {
    return new HoldfastError(
      'object_damaged',
      `${damaged.map(({ name }) => name).join(', ')}: no key slot decodes`,
    );
  }
  // The keyring is written last.
  if (epochs.length > 0) return withoutSlots(storage);
  return new HoldfastError(
    'repository_missing',
    `the repository at ${storage.address} was begun, not finished`,
    {
      next: 'run holdfast init again; if there ever was a backup, put keys/ and keyrings/ back from the recovery kit',
    },
  );
}

interface OpenedEpoch {
  readonly keyring: Keyring;
  readonly masterKey: Buffer;
  readonly slot: StoredSlot;
}

/** Another slot may open all the same. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  'object_damaged',
  'object_missing',
  'kms_unreachable',
  'kms_refused',
]);

/** Slots come newest epoch first. An epoch whose keyring does not open is passed over while an older one may. */
async function openNewest(
  storage: Storage,
  config: RepositoryConfig,
  slots: readonly StoredSlot[],
  credentials: readonly Credential[],
  whileDeriving: () => void,
): Promise<OpenedEpoch | null> {
  const repositoryId = uuidToBytes(config.repositoryId);
  let failure: unknown = null;
  for (const [slot, credential] of attempts(slots, credentials)) {
    try {
      const opening = openSlot(slot.slot, credential);
      whileDeriving();
      const masterKey = await opening;
      if (!masterKey) continue;
      const keyring = await readKeyring(storage, slot.slot.epoch, masterKey, repositoryId);
      return { keyring, masterKey, slot };
    } catch (error) {
      if (!PASSED_OVER.has(codeOf(error) ?? '')) throw error;
      failure ??= error;
    }
  }
  if (failure !== null) throw failure;
  return null;
}

/** Within an epoch, slots whose key id fits come first: a passphrase costs a scrypt for every slot it is tried on. */
function attempts(
  slots: readonly StoredSlot[],
  credentials: readonly Credential[],
): [StoredSlot, Credential][] {
  const pairs = slots.flatMap((slot) =>
    credentials
      .filter((credential) => mayOpen(slot, credential))
      .map((credential): [StoredSlot, Credential] => [slot, credential]),
  );
  const rank = ([{ slot }, credential]: [StoredSlot, Credential]) => {
    // A service is asked over the network, and writes down that it was.
    if (credential.kind === 'kms') return 3;
    if (credential.kind === 'passphrase') return 2;
    return rawKeyId(credential.key) === slot.keyId ? 0 : 1;
  };
  return pairs.sort((a, b) => b[0].slot.epoch - a[0].slot.epoch || rank(a) - rank(b));
}

function mayOpen({ slot: { kdf } }: StoredSlot, credential: Credential): boolean {
  if (credential.kind === 'kms') return kdf.name === 'kms' && kdf.key === credential.reference;
  return kdf.name === (credential.kind === 'raw' ? 'hkdf' : 'scrypt');
}

function keyWrong(slots: readonly StoredSlot[], { damaged }: SlotList): HoldfastError {
  const newest = slots.filter(({ slot }) => slot.epoch === slots[0]!.slot.epoch);
  const names = [...newest.map(({ name }) => name), ...damaged.map(({ name }) => `${name} (damaged)`)];
  return new HoldfastError(
    'key_wrong',
    `no key given opens the repository; it needs key ${describeKeys(newest)}; tried ${names.join(', ')}`,
  );
}

/** A master key that is not open names the keys that would open it. */
function namingKeys(keys: RepositoryKeys, slots: readonly StoredSlot[]): RepositoryKeys {
  return {
    ...keys,
    masterKey(epoch) {
      if (keys.epochs.includes(epoch)) return keys.masterKey(epoch);
      const known = slots.filter(({ slot }) => slot.epoch >= epoch);
      const which = known.length > 0 ? `; it needs key ${describeKeys(known)}` : '';
      throw new HoldfastError('key_wrong', `no key given opens epoch ${epoch}${which}`);
    },
  };
}

/** Epochs that have slots or signers but no keyring: a rotation that was cut short, or a keyring taken away. */
export function epochsWithoutKeyring(slots: SlotList, epochs: readonly number[]): string[] {
  const missing = new Set(slots.slots.map(({ slot }) => slot.epoch).filter((e) => !epochs.includes(e)));
  return [...missing].sort((a, b) => a - b).map(keyringName);
}
