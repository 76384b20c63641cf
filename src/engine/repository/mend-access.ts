/** What opens a repository, made anew from what is left of it: docs/operations.md, "When a repository does not open any more". */
import type { Clock } from '../base/clock.ts';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { timeOfId } from '../base/ids.ts';
import { uuidToBytes } from '../crypto/encoding.ts';
import { openSlot } from '../crypto/key-slot.ts';
import type { Credential } from '../crypto/key-text.ts';
import { firstKeyring, type Keyring } from '../crypto/keyring.ts';
import { HEADER_BYTES, readHeader } from '../crypto/object-header.ts';
import { deriveRepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import { openChunkReader } from './chunk-reader.ts';
import { listEpochs, putKeyring, readKeyring } from './keyring-store.ts';
import { loadIndex } from './load-index.ts';
import { CONFIG_NAME, FOLDERS, keyringName } from './object-names.ts';
import { decodeTable } from './pack-toc.ts';
import type { ChunkSecrets } from './repository.ts';
import { encodeConfig, REPOSITORY_FORMAT, type RepositoryConfig, readConfig } from './repository-config.ts';
import { scanPacks } from './scan-packs.ts';
import { isDamage } from './sealed-json.ts';
import { describeKeys, readSlots, type StoredSlot, withoutSlots } from './slot-store.ts';

export interface MendInput {
  readonly storage: Storage;
  readonly credentials: readonly Credential[];
  /** Chunk secrets of repositories that hold copies: one of them may be the one that was lost here. */
  readonly kin: readonly ChunkSecrets[];
  readonly clock: Clock;
}

interface Found {
  readonly input: MendInput;
  readonly id: string;
  readonly slots: readonly StoredSlot[];
  /** Master keys by epoch. */
  readonly masters: Map<number, Buffer>;
  /** Those that open. */
  readonly keyrings: Map<number, Keyring>;
}

/**
 * Writes the config and keyrings of a repository anew where they are damaged or gone. The id stands in every key slot; master keys come out
 * of slots and newer keyrings; the chunk secret out of another keyring, or of a copy, and then it counts only when it
 * gives the ids of chunks that lie here. Resolves with the names written, none
 * where there is no repository at all. Throws `object_missing` when no slot is left (then nothing
 * opens it any more), `key_wrong`, and `object_damaged` for a keyring that nothing here or there gives back; nothing is written then.
 */
export async function mendAccess(input: MendInput): Promise<string[]> {
  const { storage } = input;
  const config = await configOf(storage);
  const { slots: all } = await readSlots(storage);
  if (all.length === 0 && !(await holdsAnything(storage))) return [];
  if (all.length === 0) throw withoutSlots(storage);
  const own = all.filter(({ slot }) => slot.repositoryId === config?.repositoryId);
  const slots = own.length > 0 ? own : all;
  const id = slots[0]!.slot.repositoryId;
  if (slots.some(({ slot }) => slot.repositoryId !== id)) {
    throw new HoldfastError(
      'object_damaged',
      `the key slots at ${storage.address} name several repositories`,
    );
  }
  const found: Found = { input, id, slots, masters: new Map(), keyrings: new Map() };
  const broken = await openAll(found);
  const anew: { readonly keyring: Keyring; readonly masterKey: Buffer }[] = [];
  for (const epoch of broken)
    anew.push({ keyring: await rebuilt(found, epoch), masterKey: found.masters.get(epoch)! });
  const names: string[] = [];
  for (const { keyring, masterKey } of anew) {
    const name = keyringName(keyring.epoch);
    await storage.remove(name);
    await putKeyring(storage, keyring, masterKey);
    names.push(name);
  }
  // That a keyring opens under this id is the proof of it.
  if (config?.repositoryId === id || found.keyrings.size + anew.length === 0) return names;
  await storage.remove(CONFIG_NAME);
  await storage.put(
    CONFIG_NAME,
    encodeConfig({ format: REPOSITORY_FORMAT, repositoryId: id, createdAt: timeOf(id) }),
  );
  return [...names, CONFIG_NAME];
}

/** A repository's id and its config are of one moment. */
const timeOf = (id: string) => new Date(timeOfId(id)).toISOString();

const GONE_OR_DAMAGED: ReadonlySet<string> = new Set([
  'repository_missing',
  'object_missing',
  'object_damaged',
]);

/** Null when it is gone or damaged. */
async function configOf(storage: Storage): Promise<RepositoryConfig | null> {
  try {
    return await readConfig(storage);
  } catch (error) {
    if (GONE_OR_DAMAGED.has(codeOf(error) ?? '')) return null;
    throw error;
  }
}

/** False where there never was a repository, or the disk with it is not mounted. */
async function holdsAnything(storage: Storage): Promise<boolean> {
  for (const folder of Object.values(FOLDERS)) for await (const _ of storage.list(folder)) return true;
  return false;
}

/** Opens what opens, newest epoch first. Resolves with the epochs whose keyring does not, ascending. */
async function openAll(found: Found): Promise<number[]> {
  const { input, id, slots, masters, keyrings } = found;
  const { storage, credentials } = input;
  for (const { slot } of slots) {
    for (const credential of credentials) {
      if (masters.has(slot.epoch)) break;
      const masterKey = await openSlot(slot, credential).catch((error: unknown) => {
        if (isDamage(error)) return null;
        throw error;
      });
      if (masterKey) masters.set(slot.epoch, masterKey);
    }
  }
  if (masters.size === 0) {
    const keys = describeKeys(slots.filter(({ slot }) => slot.epoch === slots[0]!.slot.epoch));
    throw new HoldfastError('key_wrong', `no key given opens the repository; it needs key ${keys}`);
  }
  const stored = await listEpochs(storage);
  const newest = Math.max(...slots.map(({ slot }) => slot.epoch), ...stored);
  const broken: number[] = [];
  for (let epoch = newest; epoch >= 1; epoch -= 1) {
    const masterKey = masters.get(epoch);
    if (!masterKey) continue;
    try {
      const keyring = await readKeyring(storage, epoch, masterKey, uuidToBytes(id));
      keyrings.set(epoch, keyring);
      for (const one of keyring.previous) masters.set(one.epoch, one.masterKey);
    } catch (error) {
      if (!isDamage(error) && codeOf(error) !== 'object_missing') throw error;
      // Without a keyring the epoch may be of a rotation that never came to its end.
      if (stored.includes(epoch) || (await isInUse(storage, epoch))) broken.unshift(epoch);
    }
  }
  return broken;
}

/** Whether anything but keys was sealed under an epoch. */
async function isInUse(storage: Storage, epoch: number): Promise<boolean> {
  for (const folder of [FOLDERS.index, FOLDERS.backups, FOLDERS.archived, FOLDERS.packs]) {
    for await (const { name } of storage.list(folder)) {
      const head = await storage.get(name, { offset: 0, length: HEADER_BYTES });
      try {
        if (readHeader(head).epoch === epoch) return true;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
  }
  return false;
}

async function rebuilt({ input, id, slots, masters, keyrings }: Found, epoch: number): Promise<Keyring> {
  const name = keyringName(epoch);
  const previous = Array.from({ length: epoch - 1 }, (_, i) => {
    const masterKey = masters.get(i + 1);
    if (masterKey) return { epoch: i + 1, masterKey };
    const keys = describeKeys(slots.filter(({ slot }) => slot.epoch === i + 1));
    throw new HoldfastError(
      'key_wrong',
      `${name} is damaged, and to write it again takes the older key ${keys}`,
    );
  });
  const known = [...keyrings.values()][0];
  for (const { secret, chunking } of known ? [known] : input.kin) {
    const createdAt =
      epoch === 1 ? timeOf(id) : slots.find(({ slot }) => slot.epoch === epoch)!.slot.createdAt;
    const first = firstKeyring({ repositoryId: uuidToBytes(id), secret, chunking, createdAt });
    const keyring = { ...first, epoch, previous };
    if (known || (await givesIds(input, id, keyring, masters.get(epoch)!))) return keyring;
  }
  throw new HoldfastError('object_damaged', `${name} is damaged, and no other copy has its chunk secret`, {
    next: 'put keyrings/ back from the recovery kit; else give the destination a new address, and run holdfast replicate',
  });
}

/** So many packs that do not give back their first chunk are no accident. */
const LOOKS = 8;

/** Whether a keyring gives chunks that lie here the ids they have. True where there are none. */
async function givesIds(
  { storage, clock }: MendInput,
  id: string,
  keyring: Keyring,
  masterKey: Buffer,
): Promise<boolean> {
  const keys = deriveRepositoryKeys({ keyring, masterKey, writable: false });
  const context = { id, storage, clock, keys };
  const index = await loadIndex(context, { forReading: true });
  const reader = openChunkReader({ storage, keys, index });
  let isEmpty = true;
  let failures = 0;
  try {
    for await (const { table } of scanPacks(context)) {
      isEmpty = false;
      const [block] = decodeTable(table);
      const chunk = block?.chunks[0];
      if (!chunk) continue;
      try {
        await reader.readChunk(chunk.id);
        return true;
      } catch (error) {
        if (!isDamage(error) && codeOf(error) !== 'chunk_missing') throw error;
        // One pack may be damaged itself.
        failures += 1;
        if (failures === LOOKS) return false;
      }
    }
  } finally {
    reader.close();
  }
  return isEmpty;
}
