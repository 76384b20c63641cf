import { HoldfastError } from '../base/errors.ts';
import { openChunkReader } from '../repository/chunk-reader.ts';
import { findTreeEntry, listTreeFolder } from '../repository/tree-browser.ts';
import { decodeTreeBatches } from '../repository/tree-codec.ts';
import { escapePath } from '../sources/files/index.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { OperationContext } from './context.ts';
import { selectItems } from './select-item.ts';

export interface TreeItem {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly linkTarget: string | null;
}

/** What lies directly in a folder of a tree, or the one file named. Throws `item_unknown`, `id_unknown`, `id_ambiguous`. */
export async function browse(
  context: OperationContext,
  id: string,
  path: string,
): Promise<{ id: string; path: string; entries: readonly TreeItem[] }> {
  const { repository } = context;
  const { manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
  const { artifact, inside } = selectItems(manifest, path)[0]!;
  if (artifact.form !== 'tree') {
    throw new HoldfastError('item_unknown', `${artifact.name} is not a file tree`, {
      next: 'see holdfast show for what it holds',
    });
  }
  const { storage, keys } = repository;
  const reader = openChunkReader({ storage, keys, index: await repository.loadIndex({ forReading: true }) });
  try {
    const batches = () => decodeTreeBatches(reader.read(artifact.content));
    const folder = Buffer.from(inside ?? '');
    const found = await findTreeEntry(batches(), folder);
    if (!found) throw new HoldfastError('item_unknown', `backup ${manifest.id} holds no ${path}`);
    if (found.type !== 'folder') return { id: manifest.id, path, entries: [itemOf(found)] };
    const entries: TreeItem[] = [];
    for await (const entry of listTreeFolder(batches(), folder)) entries.push(itemOf(entry));
    return { id: manifest.id, path, entries };
  } finally {
    reader.close();
  }
}

function itemOf(entry: TreeEntry): TreeItem {
  const { path, type, mode, sizeBytes, modifiedAtNs, linkTarget } = entry;
  const name = escapePath(path.subarray(path.lastIndexOf(0x2f) + 1));
  return {
    ...{ name, type, mode, sizeBytes },
    modifiedAtMs: Number(modifiedAtNs / 1_000_000n),
    linkTarget: linkTarget ? escapePath(linkTarget) : null,
  };
}
