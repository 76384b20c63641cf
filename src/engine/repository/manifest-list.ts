import { type ManifestRef, type ManifestState, parseManifestName } from './manifest-path.ts';
import { FOLDERS } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';

/** While reencrypt replaces a manifest, its new form waits here under its own name. */
export const stagedName = (name: string) => `${FOLDERS.resealed}${name}`;

/**
 * Names that could be manifests of one state, ascending. A manifest that is just being replaced is found in its
 * waiting place, one that lies in both folders counts as not archived.
 */
export async function* listManifests(
  context: Pick<RepositoryContext, 'storage'>,
  state: ManifestState,
): AsyncGenerator<ManifestRef> {
  const active = state === 'archived' ? await activeIds(context) : null;
  for await (const info of context.storage.list(`${state}/`)) {
    const ref = parseManifestName(info);
    if (ref && !active?.has(ref.id)) yield ref;
  }
  for await (const info of context.storage.list(stagedName(`${state}/`))) {
    const name = info.name.slice(FOLDERS.resealed.length);
    const ref = parseManifestName({ ...info, name });
    if (!ref || active?.has(ref.id)) continue;
    if ((await context.storage.stat(name)) === null) yield ref;
  }
}

async function activeIds(context: Pick<RepositoryContext, 'storage'>): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { id } of listManifests(context, 'backups')) ids.add(id);
  return ids;
}

/** Object names below `backups/` and `archived/` that cannot be manifests. */
export async function* listStrangers(context: RepositoryContext): AsyncGenerator<string> {
  for (const folder of [FOLDERS.backups, FOLDERS.archived]) {
    for await (const info of context.storage.list(folder)) {
      if (parseManifestName(info) === null) yield info.name;
    }
  }
}
