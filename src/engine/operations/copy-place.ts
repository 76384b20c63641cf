import type { Clock } from '../base/clock.ts';
import type { Progress } from '../base/progress.ts';
import type { Credential } from '../crypto/key-text.ts';
import type { SigningKey } from '../crypto/signing.ts';
import type { Manifest } from '../repository/manifest.ts';
import {
  type ManifestRef,
  type ManifestState,
  manifestPath,
  parseManifestName,
} from '../repository/manifest-path.ts';
import { type Manifests, rejectionOf } from '../repository/manifest-store.ts';
import type { ObjectInfo, Storage } from '../storage/port.ts';
import { listBundles, type PlaceEncryption, type StoredBundle } from './bundle-store.ts';
import type { OperationContext } from './context.ts';
import { type BackupFacts, factsOf, type KnownManifests, NOTHING_KNOWN } from './known-manifests.ts';
import type { RetentionCandidate } from './retention-plan.ts';

interface Place {
  readonly storage: Storage;
  readonly credentials: readonly Credential[];
  readonly signingKey: SigningKey;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Where this machine may remember what it read of the place; absent to remember nothing. */
  readonly stateFolder?: string;
}

export interface RepositoryPlace extends Place {
  readonly layout: 'repository';
  readonly context: OperationContext;
}

export interface BundlesPlace extends Place {
  readonly layout: 'bundles';
  readonly encryption: PlaceEncryption;
  /** Gives a repository that exists only meanwhile, under a key of its own. */
  readonly staged: <T>(work: (context: OperationContext) => Promise<T>) => Promise<T>;
}

/** An opened destination, as copying sees it. */
export type CopyPlace = RepositoryPlace | BundlesPlace;

/** A backup at a place, without the references to its chunks. */
export interface PlacedBackup extends RetentionCandidate {
  readonly type: Manifest['type'];
  readonly state: ManifestState;
  readonly sizeBytes: number;
  /** Names of the sources that are in it. */
  readonly sources: readonly string[];
  /** See `BackupFacts`; equal in all copies of a backup. */
  readonly digest: string;
  /** Why it is held; null when it is not. */
  readonly holdReason: string | null;
  readonly at: { readonly ref: ManifestRef } | { readonly bundle: Pick<StoredBundle, 'name'> };
}

type OnRejected = (name: string, why: string) => void;

/**
 * Every backup that passes all checks, listed or archived. What does not is told to `onRejected`. What is in `known` was found good
 * before, and is not read again; what is read is entered there.
 */
export async function backupsAt(
  place: CopyPlace,
  onRejected: OnRejected = () => {},
  known: KnownManifests = NOTHING_KNOWN,
): Promise<PlacedBackup[]> {
  const found: PlacedBackup[] = [];
  for (const state of ['backups', 'archived'] as const) {
    const placed =
      place.layout === 'bundles'
        ? bundlesAt(place, state, onRejected, known)
        : manifestsAt(place, state, onRejected, known);
    for await (const backup of placed) found.push(backup);
  }
  await known.save();
  return found;
}

async function* bundlesAt(
  place: BundlesPlace,
  state: ManifestState,
  onRejected: OnRejected,
  known: KnownManifests,
): AsyncGenerator<PlacedBackup> {
  const before: PlacedBackup[] = [];
  const isKnown = ({ name, sizeBytes, modifiedAtMs }: ObjectInfo) => {
    const facts = known.factsOf({ name, storedBytes: sizeBytes, modifiedAtMs });
    if (facts) before.push({ ...summary(facts, null), state, at: { bundle: { name } } });
    return facts !== null;
  };
  for (const bundle of await listBundles(place.storage, place, state, onRejected, isKnown)) {
    const facts = factsOf(bundle.manifest);
    known.learn(bundle, facts);
    yield { ...summary(facts, null), state, at: { bundle } };
  }
  yield* before;
}

async function* manifestsAt(
  { context }: RepositoryPlace,
  state: ManifestState,
  onRejected: OnRejected,
  known: KnownManifests,
): AsyncGenerator<PlacedBackup> {
  const { manifests, holds } = context.repository;
  const held = new Map<string, string>();
  for await (const { backupId, reason } of holds.list()) held.set(backupId, reason ?? 'held');
  const refs: ManifestRef[] = [];
  for await (const ref of manifests.list(state)) refs.push(ref);
  for (const ref of refs) {
    const before = known.factsOf(ref);
    const facts = before ?? (await readFacts(manifests, ref, onRejected));
    if (facts === null) continue;
    if (before === null) known.learn(ref, facts);
    yield { ...summary(facts, held.get(facts.id) ?? null), state, at: { ref } };
  }
}

async function readFacts(
  manifests: Manifests,
  ref: ManifestRef,
  onRejected: OnRejected,
): Promise<BackupFacts | null> {
  try {
    return factsOf(await manifests.read(ref));
  } catch (error) {
    const rejected = rejectionOf(ref.name, error);
    if (!rejected) throw error;
    onRejected(ref.name, rejected.why);
    return null;
  }
}

function summary(facts: BackupFacts, holdReason: string | null): Omit<PlacedBackup, 'state' | 'at'> {
  const { id, plan, tenantId, type, complete, sizeBytes, sources, digest } = facts;
  return {
    ...{ id, plan, tenantId, type, complete, holdReason, sizeBytes, sources, digest },
    timestampMs: Date.parse(facts.startedAt),
    status: complete ? 'succeeded' : 'incomplete',
    held: holdReason !== null,
    provenAtMs: null,
  };
}

/** A backup that was just copied to a place, as it is listed there; null where only looking tells. */
export function placedAt(place: CopyPlace, backup: PlacedBackup): PlacedBackup | null {
  if (place.layout === 'bundles') return null;
  const startedAt = new Date(backup.timestampMs).toISOString();
  const name = `backups/${manifestPath({ ...backup, startedAt })}`;
  const ref = parseManifestName({ name, sizeBytes: 0, modifiedAtMs: place.clock.nowMs() });
  return ref && { ...backup, state: 'backups', at: { ref } };
}
