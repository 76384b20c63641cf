/** What changed in a file tree from one backup to another: both are read side by side, and nothing is kept but the page asked for. */
import { escapePath, unescapePath } from '../base/escape-path.ts';
import { compareTreePaths } from '../base/tree-order.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { OperationContext } from './context.ts';
import { artifactNamed, requireTree, treeBatches, withReader } from './open-tree.ts';

export interface CompareTreesRequest {
  readonly backupId: string;
  /** The earlier one. */
  readonly withId: string;
  /** A tree that both hold. */
  readonly artifact: string;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  readonly limit: number;
}

/** `changed`: the content; `attributes`: only mode, owner, time, or where a link leads. */
export type PathChange = 'added' | 'removed' | 'changed' | 'attributes';

export interface TreesCompared {
  readonly counts: { readonly [change in PathChange]: number } & { readonly unchanged: number };
  readonly bytesAdded: number;
  readonly bytesRemoved: number;
  readonly paths: readonly {
    readonly path: string;
    readonly type: TreeEntry['type'];
    readonly change: PathChange;
    readonly sizeBytes: number | null;
    readonly sizeBytesBefore: number | null;
  }[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** In tree order; counts are of the whole tree on every page. Throws `id_unknown`, `id_ambiguous`, `item_unknown`. */
export async function compareBackups(
  context: OperationContext,
  { backupId, withId, artifact, after, limit }: CompareTreesRequest,
): Promise<TreesCompared> {
  const { manifests } = context.repository;
  const treeOf = async (id: string) => {
    const { manifest } = await manifests.resolve(id, ['backups', 'archived']);
    return requireTree(artifactNamed(manifest, artifact));
  };
  const [now, before] = [await treeOf(backupId), await treeOf(withId)];
  const from = after === null ? null : unescapePath(after);
  const counts = { added: 0, removed: 0, changed: 0, attributes: 0, unchanged: 0 };
  const paths: TreesCompared['paths'][number][] = [];
  let [bytesAdded, bytesRemoved, isMore] = [0, 0, false];
  return withReader(context, async (reader) => {
    const entriesOf = (tree: typeof now) => flat(treeBatches(reader, tree, context.signal));
    for await (const [old, entry] of pairs(entriesOf(before), entriesOf(now))) {
      const change = changeOf(old, entry);
      counts[change] += 1;
      if (change === 'unchanged') continue;
      bytesAdded += Math.max(0, (entry?.sizeBytes ?? 0) - (old?.sizeBytes ?? 0));
      bytesRemoved += Math.max(0, (old?.sizeBytes ?? 0) - (entry?.sizeBytes ?? 0));
      const { path, type } = (entry ?? old)!;
      if (from !== null && compareTreePaths(path, from) <= 0) continue;
      if (paths.length === limit) isMore = true;
      else {
        const [sizeBytes, sizeBytesBefore] = [entry?.sizeBytes ?? null, old?.sizeBytes ?? null];
        paths.push({ path: escapePath(path), type, change, sizeBytes, sizeBytesBefore });
      }
    }
    return { counts, bytesAdded, bytesRemoved, paths, next: isMore ? paths.at(-1)!.path : null };
  });
}

async function* flat(batches: AsyncIterable<readonly TreeEntry[]>): AsyncGenerator<TreeEntry> {
  for await (const batch of batches) yield* batch;
}

/** Two ordered lists, entry by entry: null where one has no such path. */
async function* pairs(
  before: AsyncGenerator<TreeEntry>,
  now: AsyncGenerator<TreeEntry>,
): AsyncGenerator<readonly [TreeEntry | null, TreeEntry | null]> {
  const step = async (list: AsyncGenerator<TreeEntry>) => (await list.next()).value as TreeEntry | undefined;
  let [a, b] = [await step(before), await step(now)];
  while (a || b) {
    const order = !a ? 1 : !b ? -1 : compareTreePaths(a.path, b.path);
    yield [order <= 0 ? a! : null, order >= 0 ? b! : null];
    if (order <= 0) a = await step(before);
    if (order >= 0) b = await step(now);
  }
}

function changeOf(old: TreeEntry | null, entry: TreeEntry | null): PathChange | 'unchanged' {
  if (!old) return 'added';
  if (!entry) return 'removed';
  if (old.type !== entry.type || old.sizeBytes !== entry.sizeBytes || !isSameContent(old, entry))
    return 'changed';
  const isSame =
    old.mode === entry.mode &&
    old.uid === entry.uid &&
    old.gid === entry.gid &&
    isEqual(old.linkTarget, entry.linkTarget) &&
    // That of a folder follows from what is in it.
    (entry.type === 'folder' || old.modifiedAtNs === entry.modifiedAtNs);
  return isSame ? 'unchanged' : 'attributes';
}

/** Chunks are named by what they hold. Hard links have the content of the entry they name. */
function isSameContent(old: TreeEntry, entry: TreeEntry): boolean {
  if (!isEqual(old.hardLinkTo, entry.hardLinkTo)) return false;
  const isPlaced = JSON.stringify(old.extents) === JSON.stringify(entry.extents);
  return isPlaced && isEqual(old.content?.refs ?? null, entry.content?.refs ?? null);
}

const isEqual = (a: Buffer | null, b: Buffer | null) => (a === null || b === null ? a === b : a.equals(b));
