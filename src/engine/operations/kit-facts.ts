/** What a recovery kit tells of one destination. */
import { hostname } from 'node:os';
import { systemClock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { openSlot } from '../crypto/key-slot.ts';
import type { Credential } from '../crypto/key-text.ts';
import { parseKeyText } from '../crypto/key-text.ts';
import { fingerprintOf, type SigningKey } from '../crypto/signing.ts';
import type { SlotInfo } from '../repository/key-admin.ts';
import type { Manifest } from '../repository/manifest.ts';
import { CONFIG_NAME, FOLDERS } from '../repository/object-names.ts';
import type { Repository } from '../repository/repository.ts';
import type { Signer } from '../repository/signers.ts';
import { readSlots } from '../repository/slot-store.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { Storage } from '../storage/port.ts';
import { type BundleAccess, listBundles, type PlaceEncryption } from './bundle-store.ts';
import { type FetchCommand, fetchCommands } from './kit-fetch.ts';
import { openOrCreate, readSigningKey } from './open-repository.ts';
import type { OpenEngineOptions } from './repository-engine.ts';

/** A destination of the configuration, closed. */
export interface KitDestination {
  /** As the configuration calls it; null for one that was named by its address. */
  readonly name: string | null;
  readonly options: Omit<OpenEngineOptions, 'progress' | 'signal'>;
}

export interface KitFacts {
  readonly name: string | null;
  /** As it was given: without credentials, which no address may hold. */
  readonly address: string;
  readonly layout: 'repository' | 'bundles';
  /** Null for bundles. */
  readonly repository: {
    readonly id: string;
    readonly createdAt: string;
    readonly epoch: number;
    readonly slots: readonly SlotInfo[];
  } | null;
  readonly signers: readonly Signer[];
  /** The newest complete backup of every plan, newest first, and how many there are of all. */
  readonly newest: readonly Manifest[];
  readonly backups: number;
  /** `none`: no key is needed, by anybody. */
  readonly encryption: PlaceEncryption;
  /** What the instructions call the folders that are fetched and opened to: every destination has its own. */
  readonly fetched: string;
  readonly opened: string;
  readonly fetch: readonly FetchCommand[];
  /** What opens the newest epoch. */
  readonly credentials: readonly Credential[];
  /** Config, key slots, keyrings and signers as they lie on storage. */
  readonly head: readonly { readonly name: string; readonly bytes: Buffer }[];
}

/** Reads a destination; `suffix` tells its folders from those of others. Throws what `openEngine` throws. */
export async function kitFacts(destination: KitDestination, suffix: string): Promise<KitFacts> {
  const { name, options } = destination;
  const { address, layout, encryption = 'aes-256-gcm' } = options;
  const credentials = options.keyTexts.map(parseKeyText);
  const [fetched, opened] = [`fetched${suffix}`, `opened${suffix}`];
  const fetch = fetchCommands(address, options.storage ?? {}, fetched);
  const common = { name, address, layout, encryption, fetched, opened, fetch };
  if (layout === 'bundles') {
    const signingKey = await readSigningKey(options.signingKeyFile);
    const storage = await openStorage(address, options.storage);
    try {
      return { ...common, ...(await bundleFacts(storage, { credentials, encryption }, signingKey)) };
    } finally {
      await storage.close();
    }
  }
  const { repository, signingKey } = await openOrCreate({ ...options, credentials });
  try {
    return { ...common, ...(await repositoryFacts(repository, credentials, signingKey)) };
  } finally {
    await repository.storage.close();
  }
}

async function bundleFacts(storage: Storage, access: BundleAccess, signingKey: SigningKey) {
  const { credentials } = access;
  const found = await listBundles(storage, access, 'backups', () => {});
  return {
    repository: null,
    signers: [ownSigner(signingKey)],
    newest: newestOf(found.map(({ manifest }) => manifest)),
    backups: found.length,
    credentials: credentials.slice(0, 1),
    head: [],
  };
}

async function repositoryFacts(
  repository: Repository,
  credentials: readonly Credential[],
  signingKey: SigningKey,
) {
  if (!repository.keys.writable) {
    throw new HoldfastError(
      'key_wrong',
      `the key given opens only older backups at ${repository.storage.address}`,
      {
        next: 'give the current key in BACKUP_ENCRYPTION_KEY: a kit is made for what is newest',
      },
    );
  }
  const manifests: Manifest[] = [];
  for await (const { manifest } of repository.manifests.readAll()) manifests.push(manifest);
  const signers = new Map((await repository.signers.list()).valid);
  const own = ownSigner(signingKey);
  if (!signers.has(own.fingerprint)) signers.set(own.fingerprint, own);
  return {
    repository: {
      id: repository.id,
      createdAt: repository.createdAt,
      epoch: repository.keys.epoch,
      slots: await repository.listSlots(),
    },
    signers: [...signers.values()].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1)),
    newest: newestOf(manifests),
    backups: manifests.length,
    credentials: await openingCredentials(repository, credentials),
    head: await headOf(repository.storage),
  };
}

/** This host's key, also before its first backup made it known. */
function ownSigner({ publicKey }: SigningKey): Signer {
  return {
    version: 1,
    fingerprint: fingerprintOf(publicKey).toString('hex'),
    publicKey: publicKey.toString('base64url'),
    host: hostname(),
    createdAt: new Date(systemClock.nowMs()).toISOString(),
    retiredAt: null,
  };
}

function newestOf(manifests: readonly Manifest[]): Manifest[] {
  const newest = new Map<string, Manifest>();
  for (const manifest of [...manifests].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))) {
    const key = JSON.stringify([manifest.plan, manifest.tenantId, manifest.type]);
    if (manifest.complete && !newest.has(key)) newest.set(key, manifest);
  }
  return [...newest.values()];
}

/** The given credentials that open the epoch in use. */
async function openingCredentials(
  { storage, keys }: Repository,
  credentials: readonly Credential[],
): Promise<Credential[]> {
  const current = (await readSlots(storage)).slots.filter(({ slot }) => slot.epoch === keys.epoch);
  const opening = [];
  for (const credential of credentials) {
    // A key of a service is not ours to hand out.
    if (credential.kind === 'kms') continue;
    for (const { slot } of current) {
      if ((await openSlot(slot, credential)) === null) continue;
      opening.push(credential);
      break;
    }
  }
  return opening;
}

async function headOf(storage: Storage) {
  const head = [{ name: CONFIG_NAME, bytes: await storage.get(CONFIG_NAME) }];
  for (const folder of [FOLDERS.slots, FOLDERS.keyrings, FOLDERS.signers]) {
    for await (const { name } of storage.list(folder)) head.push({ name, bytes: await storage.get(name) });
  }
  return head;
}
