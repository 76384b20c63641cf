import { codeOf } from '../base/errors.ts';
import { eachLimited } from '../repository/each-limited.ts';
import { FOLDERS, packOfName } from '../repository/object-names.ts';
import { tombstonedPacks } from '../repository/tombstones.ts';
import type { ObjectInfo } from '../storage/port.ts';
import type { OperationContext } from './context.ts';

/** What is meant to go, or goes by itself. */
const PASSING: readonly string[] = [FOLDERS.tombstones, FOLDERS.leases, FOLDERS.archived, FOLDERS.resealed];
const AT_ONCE = 8;

/**
 * Renews the locks of everything a restore of a live backup may need. A lock that runs out while a later backup
 * still refers to the pack would leave that backup to whoever steals the key. Resolves with the number of renewed locks;
 * 0 at once where the destination has none. Throws `storage_*`.
 */
export async function extendLocks({
  repository,
  signal,
}: Pick<OperationContext, 'repository' | 'signal'>): Promise<number> {
  const { storage } = repository;
  const { extendLock } = storage;
  if (!extendLock) return 0;
  const condemned = await tombstonedPacks(repository);
  const isKept = ({ name }: ObjectInfo) =>
    !PASSING.some((folder) => name.startsWith(folder)) && !condemned.has(packOfName(name) ?? '');
  let renewed = 0;
  await eachLimited(kept(storage.list('', { signal }), isKept), AT_ONCE, async (object) => {
    try {
      if (await extendLock(object, { signal })) renewed += 1;
    } catch (error) {
      // Prune or rotate on another machine was quicker.
      if (codeOf(error) !== 'object_missing') throw error;
    }
  });
  return renewed;
}

async function* kept(
  objects: AsyncIterable<ObjectInfo>,
  isKept: (object: ObjectInfo) => boolean,
): AsyncGenerator<ObjectInfo> {
  for await (const object of objects) if (isKept(object)) yield object;
}
