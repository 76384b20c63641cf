import { closeSync, fstatSync, readSync, realpathSync } from 'node:fs';
import type { TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { closeFolder, type FolderHandle, openFileBeneath, openFolderAt } from './handles.ts';
import { deviceOf, entryOf, linksOf, viewBatch } from './walk-batch.ts';
import { walkTree } from './walk-tree.ts';

export interface TreeDifference {
  readonly path: string;
  /** What differs: `missing`, `extra`, `type`, `mode`, `owner`, `time`, `size`, `content`, `target`, `device`, `link`. */
  readonly what: string;
  readonly detail: string;
}

export interface CompareOptions {
  /** Times may differ by this: restoring is exact to 120 ns (`metadata.ts`). 1,000 unless told. */
  readonly timeToleranceNs?: bigint;
  readonly ignore?: readonly string[];
}

interface Item {
  readonly entry: TreeEntry;
  readonly dev: bigint;
  /** The first path of the same file; its own for a file with one name. */
  readonly first: string;
}

const PIECE_BYTES = 1 << 20;

function listTree(root: FolderHandle): Map<string, Item> {
  const items = new Map<string, Item>();
  const firsts = new Map<string, string>();
  const { problems } = walkTree({
    root,
    only: null,
    excludes: null,
    oneFileSystem: false,
    emit({ memory, entries }) {
      const batch = viewBatch(memory, entries);
      const text = Buffer.from(batch.text);
      for (let i = 0; i < entries; i += 1) {
        const entry = entryOf(batch, i, text, () => '');
        const path = entry.path.toString('latin1');
        const key = `${deviceOf(batch, i)}:${entry.inode}`;
        if (entry.type === 'file' && linksOf(batch, i) > 1 && !firsts.has(key)) firsts.set(key, path);
        items.set(path, {
          entry,
          dev: deviceOf(batch, i),
          first: entry.type === 'file' ? (firsts.get(key) ?? path) : path,
        });
      }
    },
  });
  if (problems.length > 0) throw new Error(`could not compare: ${problems[0]!.path} ${problems[0]!.code}`);
  return items;
}

/** The first position where two files differ, or -1. */
function firstDifference(a: number, b: number, pieces: readonly [Buffer, Buffer]): number {
  const size = Number(fstatSync(a, { bigint: true }).size);
  for (let at = 0; at < size; ) {
    const got = readSync(a, pieces[0], 0, PIECE_BYTES, at);
    let other = 0;
    while (other < got) {
      const more = readSync(b, pieces[1], other, got - other, at + other);
      if (more === 0) return at + other;
      other += more;
    }
    if (got === 0) return at;
    if (pieces[0].compare(pieces[1], 0, got, 0, got) !== 0) return at;
    at += got;
  }
  return -1;
}

function compareItems(a: Item, b: Item, options: CompareOptions): [what: string, detail: string][] {
  const x = a.entry;
  const y = b.entry;
  if (x.type !== y.type) return [['type', `${x.type} and ${y.type}`]];
  const found: [string, string][] = [];
  const differ = (what: string, left: unknown, right: unknown) => {
    if (left !== right) found.push([what, `${left} and ${right}`]);
  };
  differ('mode', x.mode.toString(8), y.mode.toString(8));
  differ('owner', `${x.uid}:${x.gid}`, `${y.uid}:${y.gid}`);
  differ('size', x.sizeBytes, y.sizeBytes);
  differ('target', x.linkTarget?.toString('latin1'), y.linkTarget?.toString('latin1'));
  differ('device', x.deviceNumber, y.deviceNumber);
  differ('link', a.first, b.first);
  const apart = x.modifiedAtNs - y.modifiedAtNs;
  const tolerance = options.timeToleranceNs ?? 1000n;
  if (apart > tolerance || apart < -tolerance) found.push(['time', `${apart} ns apart`]);
  return found;
}

/**
 * Walks two folders completely and lists what differs: names, types, modes, owners, times, links, and every byte
 * of every file. Change times, inodes and the places of holes are not compared. Holds both lists in memory.
 */
export function compareTrees(a: string, b: string, options: CompareOptions = {}): TreeDifference[] {
  const roots = [a, b].map((path) => openFolderAt(Buffer.from(realpathSync(path)).toString('latin1')));
  const [left, right] = roots as [FolderHandle, FolderHandle];
  const pieces: [Buffer, Buffer] = [Buffer.allocUnsafe(PIECE_BYTES), Buffer.allocUnsafe(PIECE_BYTES)];
  const ignored = new Set(options.ignore ?? []);
  const differences: TreeDifference[] = [];
  const add = (item: Item, what: string, detail: string) => {
    const path = escapePath(item.entry.path);
    if (!ignored.has(path)) differences.push({ path, what, detail });
  };
  const sameBytes = (x: Item, y: Item) => {
    const fds = [openFileBeneath(left, x.entry.path.toString('latin1'), { dev: x.dev, ino: x.entry.inode })];
    try {
      fds.push(openFileBeneath(right, y.entry.path.toString('latin1'), { dev: y.dev, ino: y.entry.inode }));
      const at = firstDifference(fds[0]!, fds[1]!, pieces);
      if (at >= 0) add(x, 'content', `from byte ${at}`);
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  };
  try {
    const others = listTree(right);
    for (const [path, item] of listTree(left)) {
      const other = others.get(path);
      others.delete(path);
      if (other === undefined) add(item, 'missing', `not in ${b}`);
      else {
        for (const [what, detail] of compareItems(item, other, options)) add(item, what, detail);
        if (item.entry.type === 'file' && other.entry.type === 'file' && item.first === path)
          sameBytes(item, other);
      }
    }
    for (const item of others.values()) add(item, 'extra', `only in ${b}`);
    return differences;
  } finally {
    for (const root of roots) closeFolder(root);
  }
}
