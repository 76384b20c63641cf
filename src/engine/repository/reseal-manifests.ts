import { codeOf, HoldfastError } from '../base/errors.ts';
import type { Lease } from './leases.ts';
import { stagedName } from './manifest-list.ts';
import type { ManifestRef } from './manifest-path.ts';
import { openManifestBody, sealManifestBody } from './manifest-seal.ts';
import { FOLDERS } from './object-names.ts';
import type { Repository } from './repository.ts';

/**
 * Seals every manifest of an older epoch under the current one, signature and all. Its new form first waits below
 * `resealed/`, where readers look for what they miss, so that there is no moment without it. Finishes what an
 * interrupted call left. Resolves with how many manifests were replaced.
 */
export async function resealManifests(
  repository: Repository,
  lease: Lease,
  { signal }: { readonly signal?: AbortSignal },
): Promise<number> {
  let count = 0;
  await finishStaged(repository, lease);
  for (const state of ['backups', 'archived'] as const) {
    const refs: ManifestRef[] = [];
    for await (const ref of repository.manifests.list(state)) refs.push(ref);
    for (const ref of refs) {
      signal?.throwIfAborted();
      await lease.keepAlive();
      if (await reseal(repository, lease, ref)) count += 1;
    }
  }
  return count;
}

async function reseal(repository: Repository, lease: Lease, ref: ManifestRef): Promise<boolean> {
  const { storage } = repository;
  const opened = await openedOrGone(repository, ref);
  if (opened === null || opened.epoch === repository.keys.epoch) return false;
  // Only what passes all checks is carried over: the new seal must not vouch for a forgery.
  await repository.manifests.read(ref);
  const staged = stagedName(ref.name);
  const bytes = sealManifestBody(repository, opened.body);
  await storage.put(staged, bytes);
  await requireSame(repository, staged, bytes);
  await lease.remove(ref.name);
  await storage.put(ref.name, bytes);
  await requireSame(repository, ref.name, bytes);
  await lease.remove(staged);
  return true;
}

/** Null when it was purged or moved meanwhile. */
async function openedOrGone(repository: Repository, ref: ManifestRef) {
  try {
    const bytes = await repository.storage.get(ref.name);
    return openManifestBody(repository, { name: ref.name, bytes });
  } catch (error) {
    if (codeOf(error) === 'object_missing') return null;
    throw error;
  }
}

async function requireSame(repository: Repository, name: string, bytes: Buffer): Promise<void> {
  if ((await repository.storage.get(name)).equals(bytes)) return;
  throw new HoldfastError('object_exists', `${name} holds something else`);
}

/** Puts waiting manifests into their places where these are empty, and removes them where they are not. */
async function finishStaged(repository: Repository, lease: Lease): Promise<void> {
  const names: string[] = [];
  for await (const { name } of repository.storage.list(FOLDERS.resealed)) names.push(name);
  for (const staged of names) {
    const name = staged.slice(FOLDERS.resealed.length);
    if ((await repository.storage.stat(name)) === null) {
      const bytes = await repository.storage.get(staged);
      await repository.storage.put(name, bytes);
      await requireSame(repository, name, bytes);
    }
    await lease.remove(staged);
  }
}
