import { HoldfastError } from '../../base/errors.ts';
import type { TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { type PathTable, pathTable } from './path-table.ts';

/** What a restore refuses to exceed; for trees whose origin is not trusted. */
export interface RestoreLimits {
  readonly entries?: number;
  /** Of all files, holes included. */
  readonly bytes?: number;
  /** Folders within folders. 4,096 unless told. */
  readonly depth?: number;
}

const DEPTH_MAX = 4096;

/** What the first reading of a tree found out, before anything is written. */
export interface RestorePlan {
  /** Bytes cut from the front of every path: the selected folder and its slash. */
  readonly prefixBytes: number;
  /** The one entry to restore when it is not a folder; null for a folder and what is in it. */
  readonly single: TreeEntry | null;
  readonly entries: number;
  readonly bytes: number;
  /** Paths that hard links to be restored refer to. */
  readonly linkTargets: Pick<PathTable, 'count' | 'find'>;
  /** By their number, those outside the selection: their content has to be fetched for the first link. */
  readonly outside: ReadonlyMap<number, TreeEntry>;
}

const unsafe = (path: Buffer, why: string) => new HoldfastError('path_unsafe', `${escapePath(path)}: ${why}`);

function keepCopy(entry: TreeEntry): TreeEntry {
  const { content } = entry;
  return {
    ...entry,
    path: Buffer.from(entry.path),
    linkTarget: entry.linkTarget && Buffer.from(entry.linkTarget),
    content: content && { ...content, refs: Buffer.from(content.refs) },
  };
}

/** True when `path` is the selected entry or lies in it. */
export function isSelected(path: Buffer, select: Buffer): boolean {
  if (select.length === 0) return true;
  if (path.length < select.length || path.compare(select, 0, select.length, 0, select.length) !== 0)
    return false;
  return path.length === select.length || path[select.length] === 0x2f;
}

/**
 * The decoder of trees checks this too; entries may come from elsewhere, and this is the last door before the
 * file system.
 */
function checkNames({ path, linkTarget, hardLinkTo }: TreeEntry): void {
  if (path.includes(0)) throw unsafe(path, 'it holds a NUL byte');
  if (linkTarget !== null && (linkTarget.length === 0 || linkTarget.includes(0)))
    throw unsafe(path, 'its target is no path');
  for (const checked of hardLinkTo ? [path, hardLinkTo] : [path]) {
    if (checked.length === 0) continue;
    for (const name of checked.toString('latin1').split('/')) {
      if (name === '' || name === '.' || name === '..')
        throw unsafe(checked, 'it has an empty or dotted component');
    }
  }
}

/** Checks that every entry's parent is a folder that came before: nothing is ever restored through anything else. */
function parentGuard(depthMax: number): (entry: TreeEntry) => void {
  const folders: Buffer[] = [];
  let first = true;
  return (entry) => {
    const { path, type } = entry;
    const slash = path.lastIndexOf(0x2f);
    const parent = path.subarray(0, Math.max(slash, 0));
    while (folders.length > 0 && !(isSelected(path, folders.at(-1)!) && path.length > 0)) folders.pop();
    // A tree of one file has no folder at all.
    const lone = first && slash < 0;
    const above = folders.at(-1);
    if (!lone && path.length > 0 && (above === undefined || !above.equals(parent))) {
      throw unsafe(path, 'its folder is not a folder of this tree');
    }
    if (!first && path.length === 0) throw unsafe(path, 'the root comes twice');
    first = false;
    if (type !== 'folder') return;
    if (folders.length >= depthMax)
      throw new HoldfastError('limit_exceeded', `folders are nested deeper than ${depthMax}`);
    folders.push(Buffer.from(path));
  };
}

/** Fetches the entries that selected hard links refer to, but that are not selected themselves. */
async function findOutside(
  entries: AsyncIterable<TreeEntry>,
  select: Buffer,
  linkTargets: PathTable,
): Promise<Map<number, TreeEntry>> {
  const outside = new Map<number, TreeEntry>();
  let wanted = 0;
  for (let number = 0; number < linkTargets.count; number += 1) {
    if (!isSelected(linkTargets.pathOf(number), select)) wanted += 1;
  }
  if (wanted === 0) return outside;
  for await (const entry of entries) {
    const number = linkTargets.find(entry.path);
    if (number >= 0 && !isSelected(entry.path, select)) outside.set(number, keepCopy(entry));
    if (outside.size === wanted) break;
  }
  return outside;
}

/**
 * Reads a tree once (twice when selected hard links refer to files outside the selection), without writing.
 * Throws `item_unknown` when nothing is selected, `path_unsafe` for a tree that does not hold together, `limit_exceeded`.
 */
export async function planRestore(
  entries: () => AsyncIterable<TreeEntry>,
  select: Buffer,
  limits: RestoreLimits,
): Promise<RestorePlan> {
  const { entries: entriesMax = Number.POSITIVE_INFINITY, bytes: bytesMax = Number.POSITIVE_INFINITY } =
    limits;
  const guard = parentGuard(limits.depth ?? DEPTH_MAX);
  const linkTargets = pathTable();
  let first: TreeEntry | null = null;
  let many = 0;
  let bytes = 0;
  for await (const entry of entries()) {
    checkNames(entry);
    guard(entry);
    if (!isSelected(entry.path, select)) continue;
    first ??= keepCopy(entry);
    many += 1;
    if (entry.hardLinkTo) linkTargets.enter(entry.hardLinkTo);
    else bytes += entry.sizeBytes;
    if (many > entriesMax)
      throw new HoldfastError('limit_exceeded', `the tree has more than ${entriesMax} entries`);
    if (bytes > bytesMax)
      throw new HoldfastError('limit_exceeded', `the files have more than ${bytesMax} bytes`);
  }
  if (first === null) {
    // A missing optional source gives an empty tree: there is nothing to restore, and nothing wrong.
    if (select.length > 0) throw new HoldfastError('item_unknown', `the tree holds no ${escapePath(select)}`);
    return { prefixBytes: 0, single: null, entries: 0, bytes: 0, linkTargets, outside: new Map() };
  }
  const outside = await findOutside(entries(), select, linkTargets);
  const single = first.type === 'folder' ? null : first;
  const prefixBytes = select.length === 0 ? 0 : select.length + 1;
  return { prefixBytes, single, entries: many, bytes, linkTargets, outside };
}
