import { HoldfastError } from '../base/errors.ts';
import { bundleName, readerOf } from './bundle-store.ts';
import type { OperationContext } from './context.ts';
import type { BundlesPlace, CopyPlace, PlacedBackup, RepositoryPlace } from './copy-place.ts';
import { withBundle } from './export-bundle.ts';
import { refuseLowSpace } from './free-space.ts';
import { importBundle } from './import-bundle.ts';

/** What any tool opens, and the ending that scripts look for. Places are read with both. */
const PLACE_COMPRESSION = 'gzip';

/** As `putBundle`, where there is room for it. */
export async function copyToBundle(
  context: OperationContext,
  backupId: string,
  to: BundlesPlace,
): Promise<number> {
  await refuseLowSpace(to.storage, context.minimumFreeBytes);
  return putBundle(context, backupId, to);
}

/** Writes a backup of a repository as a bundle under the key of the target. Resolves with its size. Throws `object_exists` for a name that is taken. */
export async function putBundle(
  context: OperationContext,
  backupId: string,
  to: BundlesPlace,
): Promise<number> {
  const { signal, storage } = to;
  const request = {
    id: backupId,
    compression: PLACE_COMPRESSION,
    encryption: to.encryption,
    credentials: to.credentials.slice(0, 1),
    signingKey: to.signingKey,
  } as const;
  return withBundle(context, request, async (manifest, content) => {
    const name = bundleName(manifest, PLACE_COMPRESSION, to.encryption);
    let sizeBytes = 0;
    async function* counted() {
      for await (const bytes of content) {
        signal.throwIfAborted();
        sizeBytes += bytes.length;
        yield bytes;
      }
    }
    const put = await storage.put(name, counted(), { signal });
    if (put === 'exists') throw new HoldfastError('object_exists', `${name} is there already`);
    return sizeBytes;
  });
}

/** Copies a backup of a place of bundles. Resolves with the bytes stored where that is known, else with its size. */
export async function copyFromBundle(
  from: BundlesPlace,
  to: CopyPlace,
  backup: PlacedBackup,
): Promise<number> {
  if (to.layout === 'repository') return importFrom(from, to.context, backup);
  return from.staged(async (context) => {
    await importFrom(from, context, backup);
    return copyToBundle(context, backup.id, to);
  });
}

async function importFrom(
  from: BundlesPlace,
  context: RepositoryPlace['context'],
  { at }: PlacedBackup,
): Promise<number> {
  if (!('bundle' in at)) throw new HoldfastError('internal', 'a bundle is not where it was listed');
  const { name } = at.bundle;
  const content = { file: from.storage.open(name), ...readerOf(from.credentials, name) };
  return (await importBundle(context, content)).sizeBytes;
}
