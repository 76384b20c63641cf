import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { uuidToBytes } from '../crypto/encoding.ts';
import { sealSlot } from '../crypto/key-slot.ts';
import type { Credential } from '../crypto/key-text.ts';
import { type ChunkingProfiles, firstKeyring } from '../crypto/keyring.ts';
import type { ScryptCost } from '../crypto/wrap.ts';
import type { Storage } from '../storage/port.ts';
import { listEpochs, putKeyring } from './keyring-store.ts';
import { CONFIG_NAME, FOLDERS, slotName } from './object-names.ts';
import {
  decodeConfig,
  encodeConfig,
  newConfig,
  type RepositoryConfig,
  readConfig,
} from './repository-config.ts';
import { encodeSlot } from './slot-store.ts';

export interface NewRepository {
  readonly storage: Storage;
  readonly credential: Credential;
  /** Names the first key slot for people. */
  readonly label?: string;
  readonly chunking: ChunkingProfiles;
  /** See `ChunkSecrets`; random when absent. */
  readonly secret?: Buffer;
  readonly clock: Clock;
  /** Cost of a passphrase; the format's own when absent. */
  readonly scrypt?: ScryptCost;
}

/**
 * Writes config, key slot and keyring in that order. The keyring is the commit: until it is there, a later call
 * takes over what was begun. Throws `repository_exists`.
 */
export async function writeNewRepository(input: NewRepository): Promise<void> {
  const { storage, clock } = input;
  const config = await claim(storage, clock);
  const repositoryId = uuidToBytes(config.repositoryId);
  const masterKey = randomBytes(32);
  const slot = await sealSlot({
    credential: input.credential,
    masterKey,
    repositoryId,
    epoch: 1,
    label: input.label ?? '',
    createdAt: new Date(clock.nowMs()).toISOString(),
    ...(input.scrypt ? { scrypt: input.scrypt } : {}),
  });
  const name = slotName(slot.slotId);
  await storage.put(name, encodeSlot(slot, masterKey));
  const keyring = firstKeyring({
    ...{ repositoryId, chunking: input.chunking, createdAt: config.createdAt },
    ...(input.secret ? { secret: input.secret } : {}),
  });
  if ((await putKeyring(storage, keyring, masterKey)) === 'exists') {
    await storage.remove(name);
    throw exists(storage);
  }
  // Slots of an attempt that never got this far open a key that seals nothing.
  for await (const other of storage.list(FOLDERS.slots)) {
    if (other.name !== name) await storage.remove(other.name);
  }
}

async function claim(storage: Storage, clock: Clock): Promise<RepositoryConfig> {
  const found = await existing(storage);
  if (found) return found;
  for await (const { name } of storage.list('')) {
    const folder = Object.values(FOLDERS).find((candidate) => name.startsWith(candidate));
    if (folder) {
      throw new HoldfastError('repository_exists', `${storage.address} holds ${name} but no config`, {
        next: 'run holdfast verify --heal if other destinations hold copies, or choose another address',
      });
    }
  }
  const config = newConfig(clock.nowMs());
  await storage.put(CONFIG_NAME, encodeConfig(config));
  // Whoever was faster wins, and our own lost answer counts as ours.
  return decodeConfig(await storage.get(CONFIG_NAME));
}

/** The config of a repository that was begun and not finished; null when there is none. */
async function existing(storage: Storage): Promise<RepositoryConfig | null> {
  try {
    const config = await readConfig(storage);
    if ((await listEpochs(storage)).length > 0) throw exists(storage);
    for (const folder of [FOLDERS.packs, FOLDERS.backups, FOLDERS.archived]) {
      for await (const _ of storage.list(folder)) throw exists(storage);
    }
    return config;
  } catch (error) {
    // Rests without a config are refused by name, see `claim`.
    if (codeOf(error) === 'repository_missing' || codeOf(error) === 'object_missing') return null;
    throw error;
  }
}

function exists(storage: Storage): HoldfastError {
  return new HoldfastError('repository_exists', `there is a repository at ${storage.address}`);
}
