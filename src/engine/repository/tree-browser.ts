import { compareTreePaths } from '../base/tree-order.ts';
import type { TreeEntry } from '../sources/port.ts';

/** A tree's entries in order, in batches: `decodeTreeBatches` over the bytes of its content. */
export type TreeBatches = AsyncIterable<readonly TreeEntry[]>;

function isWithin(path: Buffer, folder: Buffer): boolean {
  if (folder.length === 0) return path.length > 0;
  if (path.length <= folder.length || path[folder.length] !== 0x2f) return false;
  return path.compare(folder, 0, folder.length, 0, folder.length) === 0;
}

/** The entry of this very path, or null. Reads the tree only as far as needed. */
export async function findTreeEntry(batches: TreeBatches, path: Buffer): Promise<TreeEntry | null> {
  for await (const batch of batches) {
    const last = batch.at(-1);
    if (last === undefined || compareTreePaths(last.path, path) < 0) continue;
    return batch.find((entry) => entry.path.equals(path)) ?? null;
  }
  return null;
}

/**
 * The entries directly in a folder, in order; nothing when there is no such folder. With `deep`, everything beneath
 * it. Reads the tree from its start to the folder's end, which is the price of a plain stream.
 */
export async function* listTreeFolder(
  batches: TreeBatches,
  folder: Buffer,
  deep = false,
): AsyncGenerator<TreeEntry> {
  const from = folder.length === 0 ? 0 : folder.length + 1;
  for await (const batch of batches) {
    const last = batch.at(-1);
    if (last === undefined || compareTreePaths(last.path, folder) < 0) continue;
    for (const entry of batch) {
      if (isWithin(entry.path, folder)) {
        if (deep || entry.path.indexOf(0x2f, from) < 0) yield entry;
      } else if (compareTreePaths(entry.path, folder) > 0) return;
    }
  }
}
