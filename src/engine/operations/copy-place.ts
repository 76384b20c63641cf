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
import type { Storage } from '../storage/port.ts';
import { listBundles, type StoredBundle } from './bundle-store.ts';
import type { OperationContext } from './context.ts';
import type { RetentionCandidate } from './retention-plan.ts';

interface Place {
  readonly storage: Storage;
  readonly credentials: readonly Credential[];
  readonly signingKey: SigningKey;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface RepositoryPlace extends Place {
  readonly layout: 'repository';
  readonly context: OperationContext;
}

export interface BundlesPlace extends Place {
  readonly layout: 'bundles';
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
  /** Why it is held; null when it is not. */
  readonly holdReason: string | null;
  readonly at: { readonly ref: ManifestRef } | { readonly bundle: StoredBundle };
}

/** Every backup that passes all checks, listed or archived. What does not is told to `onRejected`. */
export async function backupsAt(
  place: CopyPlace,
  onRejected: (name: string, why: string) => void = () => {},
): Promise<PlacedBackup[]> {
  const found: PlacedBackup[] = [];
  if (place.layout === 'bundles') {
    for (const state of ['backups', 'archived'] as const) {
      for (const bundle of await listBundles(place.storage, place.credentials, state, onRejected)) {
        found.push({ ...summary(bundle.manifest, null), state, at: { bundle } });
      }
    }
    return found;
  }
  const { manifests, holds } = place.context.repository;
  const held = new Map<string, string>();
  for await (const { backupId, reason } of holds.list()) held.set(backupId, reason ?? 'held');
  for (const state of ['backups', 'archived'] as const) {
    const rejected = ({ name, why }: { name: string; why: string }) => onRejected(name, why);
    for await (const { ref, manifest } of manifests.readAll({ state, onRejected: rejected })) {
      found.push({ ...summary(manifest, held.get(manifest.id) ?? null), state, at: { ref } });
    }
  }
  return found;
}

function summary(manifest: Manifest, holdReason: string | null): Omit<PlacedBackup, 'state' | 'at'> {
  const { id, plan, tenantId, type, complete, artifacts } = manifest;
  return {
    ...{ id, plan, tenantId, type, complete, holdReason },
    timestampMs: Date.parse(manifest.startedAt),
    sizeBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
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
