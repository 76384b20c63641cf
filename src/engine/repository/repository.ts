import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Credential } from '../crypto/key-text.ts';
import type { ChunkingProfiles, Keyring } from '../crypto/keyring.ts';
import type { SigningKey } from '../crypto/signing.ts';
import type { ScryptCost } from '../crypto/wrap.ts';
import type { Storage } from '../storage/port.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { type checkUsedPacks, GRACE_MS } from './commit-check.ts';
import { writeNewRepository } from './create-repository.ts';
import { DEFAULT_CHUNKING } from './default-chunking.ts';
import { type Holds, openHolds } from './holds.ts';
import { indexCache } from './index-cache.ts';
import {
  addSlot,
  listSlots,
  type NewSlot,
  type OpenEpoch,
  type Rotation,
  retireSlot,
  rotateEpoch,
  type SlotInfo,
} from './key-admin.ts';
import { loadIndex } from './load-index.ts';
import { type ManifestRef, parseManifestName } from './manifest-path.ts';
import { type Manifests, openManifests } from './manifest-store.ts';
import { keyringName } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { listBackups, noticeRollback } from './rollback.ts';
import { type Finding, openSeenState, planKey, type SeenState } from './seen-state.ts';
import { ensureSigner, listSigners, type Signer, type SignerList } from './signers.ts';
import { isSlotIntact } from './slot-store.ts';
import { epochsWithoutKeyring, type UnlockedRepository, unlock } from './unlock.ts';

export interface Repository extends RepositoryContext {
  readonly createdAt: string;
  /** What an operator should know: a rollback, damaged key slots, an epoch that cannot be opened. */
  readonly findings: readonly Finding[];
  /** How long a tombstone stands before its pack may go; a run may take half of it. */
  readonly graceMs: number;
  /**
   * All index objects and the packs no index lists. For a writer packs that carry a tombstone are left out;
   * `forReading` keeps them.
   */
  loadIndex(options?: { readonly forReading?: boolean }): Promise<ChunkIndex>;
  readonly manifests: Manifests;
  /** The newest backup of a plan that this machine knows of, unproven; null when it knows none. Spares looking through all. */
  lastSeen(plan: Parameters<typeof planKey>[0]): ManifestRef | null;
  readonly holds: Holds;
  readonly signers: {
    list(): Promise<SignerList>;
    /** Makes the signing key this repository was opened with known; a commit does it by itself. */
    ensure(key: SigningKey): Promise<Signer>;
  };
  listSlots(): Promise<SlotInfo[]>;
  /** Resolves with the new slot's id. Throws `key_wrong` when read-only. */
  addSlot(credential: Credential, label: string): Promise<string>;
  /** Throws `key_last` for the last one that opens the current epoch. */
  retireSlot(slotId: string): Promise<void>;
  /** See `CreateOptions.like`. Secret: for a repository under the same operator's eyes only. */
  chunkSecrets(): ChunkSecrets;
  /** Begins a new epoch that only the given credentials open; this object then works under it. */
  rotateEpoch(rotation: Rotation): Promise<void>;
}

/** What ids and borders of chunks come from. Opens nothing. */
export type ChunkSecrets = Pick<Keyring, 'secret' | 'chunking'>;

export interface CreateOptions {
  readonly storage: Storage;
  readonly credential: Credential;
  /** Names the first key slot for people. */
  readonly label?: string;
  readonly clock?: Clock;
  /** Signs what is committed through the returned repository. */
  readonly signingKey?: SigningKey | null;
  readonly stateFolder?: string;
  readonly chunking?: ChunkingProfiles;
  /** Cuts and names chunks as another repository does, so that copies need no translation: docs/decisions/0011-several-destinations.md. */
  readonly like?: ChunkSecrets;
  readonly graceMs?: number;
  /** Cost of passphrases; lower than the format's own only in tests. */
  readonly scrypt?: ScryptCost;
}

export interface OpenOptions {
  readonly storage: Storage;
  /** Tried by key id first; the newest epoch any of them opens is used. */
  readonly credentials: readonly Credential[];
  /** Null or absent: nothing can be committed. */
  readonly signingKey?: SigningKey | null;
  readonly clock?: Clock;
  /** Where this machine remembers what it saw, to notice a rollback. Absent: it remembers nothing. */
  readonly stateFolder?: string;
  readonly graceMs?: number;
  readonly scrypt?: ScryptCost;
  /** Called when a thread of the pool has begun to derive a key: the time to do something else in this one. */
  readonly whileDeriving?: () => void;
  /** Tests only: the check before a commit that a negative control leaves out. */
  readonly checkPacks?: typeof checkUsedPacks;
}

/**
 * Makes a new repository and opens it. Throws `repository_exists`. One that was begun and never finished is taken
 * over. The caller closes the storage.
 */
export async function createRepository(options: CreateOptions): Promise<Repository> {
  const { storage, credential, clock = systemClock, label, scrypt, like } = options;
  const chunking = like?.chunking ?? options.chunking ?? DEFAULT_CHUNKING;
  await writeNewRepository({
    storage,
    credential,
    clock,
    chunking,
    ...(like ? { secret: like.secret } : {}),
    ...(label === undefined ? {} : { label }),
    ...(scrypt === undefined ? {} : { scrypt }),
  });
  return openRepository({ ...options, credentials: [credential] });
}

/**
 * Opens a repository with nothing but its storage and a key. When only an older epoch opens it is read-only.
 * Throws `repository_missing`, `repository_newer`, `key_missing`, `key_wrong` naming the key ids that would open
 * it, `object_damaged` and `object_missing` naming config, slot or keyring. The caller closes the storage.
 */
export async function openRepository(options: OpenOptions): Promise<Repository> {
  const { storage, clock = systemClock, graceMs = GRACE_MS } = options;
  let listing: Promise<ManifestRef[]> | null = null;
  const whileDeriving = () => {
    if (options.stateFolder) listing ??= listBackups(storage);
    listing?.catch(() => {});
    options.whileDeriving?.();
  };
  const unlocked = await unlock(storage, options.credentials, whileDeriving).catch(async (error: unknown) => {
    await listing?.catch(() => {});
    throw error;
  });
  const { config } = unlocked;
  const context = { id: config.repositoryId, storage, clock, keys: unlocked.keys };
  const seen = options.stateFolder ? await openSeenState(options.stateFolder, config.repositoryId) : null;
  const manifests = rememberingManifests(context, options, graceMs, seen);
  const { epochs } = unlocked;
  const findings = findingsOf(unlocked, epochs);
  if (seen) {
    const refs = await (listing ?? listBackups(storage));
    findings.push(
      ...(await noticeRollback(context, manifests, seen, { newestEpoch: epochs.at(-1) ?? 0, refs })),
    );
  }

  const cache = options.stateFolder
    ? indexCache(context, join(options.stateFolder, `index-${config.repositoryId}`))
    : undefined;
  let open: OpenEpoch = unlocked;
  return {
    id: config.repositoryId,
    storage,
    clock,
    get keys() {
      return context.keys;
    },
    createdAt: config.createdAt,
    findings,
    graceMs,
    loadIndex: (given) => loadIndex(context, { ...given, cache }),
    manifests,
    lastSeen(plan) {
      const last = seen?.plans.get(planKey(plan));
      return last ? parseManifestName({ name: `backups/${last.path}`, sizeBytes: 0, modifiedAtMs: 0 }) : null;
    },
    holds: openHolds(context),
    signers: {
      list: () => listSigners(context),
      ensure: (key) => ensureSigner(context, key),
    },
    listSlots: () => listSlots(context),
    addSlot: (credential, label) => addSlot(context, { credential, label } satisfies NewSlot, options.scrypt),
    retireSlot: (slotId) => retireSlot(context, slotId),
    chunkSecrets: () => ({ secret: open.keyring.secret, chunking: open.keyring.chunking }),
    async rotateEpoch(rotation) {
      const { keys, ...next } = await rotateEpoch(context, open, { scrypt: options.scrypt, ...rotation });
      open = next;
      context.keys = keys;
      seen?.noteEpoch(keys.epoch);
      await seen?.flush();
    },
  };
}

function rememberingManifests(
  context: RepositoryContext,
  options: OpenOptions,
  graceMs: number,
  seen: SeenState | null,
): Manifests {
  const manifests = openManifests(context, {
    signingKey: options.signingKey ?? null,
    graceMs,
    onSeen: (manifest) => seen?.note(manifest),
    onPurged: (ref) => seen?.forget(ref.id),
    ...(options.checkPacks ? { checkPacks: options.checkPacks } : {}),
  });
  return {
    ...manifests,
    async commit(...given) {
      const manifest = await manifests.commit(...given);
      await seen?.flush();
      return manifest;
    },
    async purge(ref) {
      await manifests.purge(ref);
      await seen?.flush();
    },
  };
}

function findingsOf(unlocked: UnlockedRepository, epochs: readonly number[]): Finding[] {
  const { slots, keys } = unlocked;
  const findings: Finding[] = slots.damaged.map(({ name, why }) => ({
    code: 'object_damaged',
    message: `${name}: ${why}`,
  }));
  for (const { name, slot, bytes } of slots.slots) {
    if (!keys.epochs.includes(slot.epoch) || isSlotIntact(bytes, keys.masterKey(slot.epoch))) continue;
    findings.push({ code: 'object_damaged', message: `${name} was changed since it was written` });
  }
  for (const name of epochsWithoutKeyring(slots, epochs)) {
    const message = `${name} is missing: a rotation was cut short, or the keyring was taken away`;
    findings.push({ code: 'object_missing', message });
  }
  if (!keys.writable) {
    const message = `the key given opens epoch ${keys.epoch}, the repository is at ${keyringName(epochs.at(-1) ?? 0)}: read-only`;
    findings.push({ code: 'key_wrong', message });
  }
  return findings;
}
