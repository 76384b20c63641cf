/** A folder of a backup, page by page, and names found in it. */

import { HoldfastError } from '../base/errors.ts';
import { escapePath, unescapePath } from '../base/escape-path.ts';
import { compareTreePaths } from '../base/tree-order.ts';
import { findTreeEntry, listTreeFolder } from '../repository/tree-browser.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { OperationContext } from './context.ts';
import { artifactNamed, requireTree, treeBatches, withReader } from './open-tree.ts';

export interface TreePageRequest {
  readonly backupId: string;
  readonly artifact: string;
  /** Below the artifact, as `escapePath` writes it; empty for its root. */
  readonly path: string;
  /** A part of the name, in any case: looks through everything below. Null lists the folder itself. */
  readonly search: string | null;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  readonly limit: number;
}

export interface TreePageItem {
  /** Below the artifact, escaped. */
  readonly path: string;
  readonly name: string;
  readonly type: TreeEntry['type'];
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly linkTarget: string | null;
}

export interface TreePage {
  readonly backupId: string;
  readonly entries: readonly TreePageItem[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** In tree order. A page costs what reading the tree up to its end costs. Throws `id_unknown`, `id_ambiguous`, `item_unknown`. */
export async function treePage(context: OperationContext, request: TreePageRequest): Promise<TreePage> {
  const { search, limit } = request;
  const { manifest } = await context.repository.manifests.resolve(request.backupId, ['backups', 'archived']);
  const artifact = requireTree(artifactNamed(manifest, request.artifact));
  const folder = unescapePath(request.path);
  const after = request.after === null ? null : unescapePath(request.after);
  const wanted = search?.toLowerCase() ?? null;
  return withReader(context, async (reader) => {
    const batches = () => treeBatches(reader, artifact, context.signal);
    if (folder.length > 0) {
      const found = await findTreeEntry(batches(), folder);
      if (found?.type !== 'folder') {
        const what = found ? 'is no folder' : 'is not there';
        throw new HoldfastError('item_unknown', `${request.path} ${what} in ${artifact.name}`);
      }
    }
    const entries: TreePageItem[] = [];
    for await (const entry of listTreeFolder(batches(), folder, wanted !== null)) {
      if (after !== null && compareTreePaths(entry.path, after) <= 0) continue;
      const item = itemOf(entry);
      if (wanted !== null && !item.name.toLowerCase().includes(wanted)) continue;
      if (entries.length === limit) {
        return { backupId: manifest.id, entries, next: entries.at(-1)!.path };
      }
      entries.push(item);
    }
    return { backupId: manifest.id, entries, next: null };
  });
}

function itemOf({ path, type, mode, sizeBytes, modifiedAtNs, linkTarget }: TreeEntry): TreePageItem {
  const whole = escapePath(path);
  return {
    ...{ path: whole, name: escapePath(path.subarray(path.lastIndexOf(0x2f) + 1)), type, mode, sizeBytes },
    modifiedAtMs: Number(modifiedAtNs / 1_000_000n),
    linkTarget: linkTarget ? escapePath(linkTarget) : null,
  };
}
