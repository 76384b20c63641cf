import type { Storage } from '../storage/port.ts';
import { listManifests, stagedName } from './manifest-list.ts';
import type { ManifestRef } from './manifest-path.ts';
import type { Manifests } from './manifest-store.ts';
import { keyringName } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage } from './sealed-json.ts';
import { type Finding, planKey, type SeenBackup, type SeenState } from './seen-state.ts';

/** Every backup by name, for `noticeRollback`. No key is needed: it may begin while one is derived. */
export async function listBackups(storage: Storage): Promise<ManifestRef[]> {
  const refs: ManifestRef[] = [];
  for await (const ref of listManifests({ storage }, 'backups')) refs.push(ref);
  return refs;
}

/**
 * Compares the repository with what this machine saw before, then learns what is new. A finding `rolled_back`
 * for each plan whose newest known backup is neither listed nor archived while nothing newer of the plan is,
 * and for an epoch that is gone.
 */
export async function noticeRollback(
  context: RepositoryContext,
  manifests: Pick<Manifests, 'read'>,
  seen: SeenState,
  { newestEpoch, refs }: { readonly newestEpoch: number; readonly refs: readonly ManifestRef[] },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (newestEpoch < seen.epoch) {
    const message = `${keyringName(seen.epoch)} was seen before and is gone: the repository is older than it was`;
    findings.push({ code: 'rolled_back', message });
  }
  for (const [key, backup] of [...seen.plans]) {
    if (await isThere(context, backup)) continue;
    if (await hasNewer(manifests, refs, key, backup)) continue;
    const message = `backup ${backup.id} of ${backup.startedAt} was seen before and is gone, with nothing newer of its plan`;
    findings.push({ code: 'rolled_back', message });
  }
  await learn(manifests, refs, seen);
  seen.noteEpoch(newestEpoch);
  await seen.flush();
  return findings;
}

async function isThere(context: RepositoryContext, { path }: SeenBackup): Promise<boolean> {
  for (const name of [`backups/${path}`, `archived/${path}`]) {
    if (await context.storage.stat(name)) return true;
    if (await context.storage.stat(stagedName(name))) return true;
  }
  return false;
}

async function hasNewer(
  manifests: Pick<Manifests, 'read'>,
  refs: readonly ManifestRef[],
  key: string,
  backup: SeenBackup,
): Promise<boolean> {
  for (const ref of refs) {
    if (ref.startedAt <= backup.startedAt || !key.startsWith(`${ref.tenantId ?? 'global'}/${ref.type}/`)) {
      continue;
    }
    const manifest = await readOrNull(manifests, ref);
    if (manifest && planKey(manifest) === key) return true;
  }
  return false;
}

/** Reads the newest backup of each tenant and type unless it is known; reading is what makes it known. */
async function learn(
  manifests: Pick<Manifests, 'read'>,
  refs: readonly ManifestRef[],
  seen: SeenState,
): Promise<void> {
  const newest = new Map<string, ManifestRef>();
  for (const ref of refs) {
    const key = `${ref.tenantId ?? 'global'}/${ref.type}`;
    const other = newest.get(key);
    if (!other || ref.startedAt > other.startedAt) newest.set(key, ref);
  }
  const known = new Set([...seen.plans.values()].map(({ id }) => id));
  for (const ref of newest.values()) if (!known.has(ref.id)) await readOrNull(manifests, ref);
}

async function readOrNull(manifests: Pick<Manifests, 'read'>, ref: ManifestRef) {
  try {
    return await manifests.read(ref);
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}
