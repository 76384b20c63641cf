import { type BigIntStats, fstatSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import type { Excludes } from './excludes.ts';
import { closeFolder, type FolderHandle, openFolderBeneath, openFolderIn, rawPath } from './handles.ts';
import { batchBuilder } from './walk-batch.ts';

export interface WalkOptions {
  readonly root: FolderHandle;
  /** Only this name in the root; null for the whole folder. */
  readonly only: string | null;
  readonly excludes: Excludes | null;
  readonly oneFileSystem: boolean;
  readonly emit: (batch: { memory: SharedArrayBuffer; entries: number }) => void;
}

export interface WalkProblem {
  /** Raw, as latin1. */
  readonly path: string;
  readonly code: string;
}

export interface WalkResult {
  readonly excluded: number;
  /** Entries gone between listing and looking: normal on a live tree. */
  readonly vanished: number;
  /** Folders of other file systems that were not entered. */
  readonly otherFileSystems: number;
  readonly problems: readonly WalkProblem[];
  readonly problemsMore: number;
}

interface Level {
  /** Null while closed because too many are open above it. */
  handle: FolderHandle | null;
  readonly stat: BigIntStats;
  readonly path: string;
  readonly names: string[];
  next: number;
}

/** Handles kept open along the way down; deeper trees close the upper ones and come back to them by path. */
const OPEN_LEVELS = 128;
const PROBLEMS_KEPT = 10_000;

/**
 * Walks depth first with children in byte order and emits every entry in batches. Synchronous: made for a
 * thread of its own. Memory is the names of the folders on the way down to the current one.
 */
export function walkTree(options: WalkOptions): WalkResult {
  const { root, excludes, emit } = options;
  const batch = batchBuilder();
  const levels: Level[] = [];
  const problems: WalkProblem[] = [];
  let problemsMore = 0;
  let excluded = 0;
  let vanished = 0;
  let otherFileSystems = 0;

  const trouble = (path: string, error: unknown) => {
    const code = systemCode(error) ?? 'EIO';
    if (code === 'ENOENT') vanished += 1;
    else if (problems.length < PROBLEMS_KEPT) problems.push({ path, code });
    else problemsMore += 1;
  };

  const flush = () => {
    const { entries } = batch;
    if (entries > 0) emit({ memory: batch.take(), entries });
  };

  const enter = (parent: FolderHandle, name: string, path: string, stat: BigIntStats) => {
    let handle: FolderHandle | null = null;
    try {
      handle = openFolderIn(parent, name);
      const opened = fstatSync(handle.fd, { bigint: true });
      // Swapped since it was looked at: what stands here now is not the folder just recorded.
      if (opened.ino !== stat.ino || opened.dev !== stat.dev)
        throw Object.assign(new Error('the folder was swapped'), { code: 'ESTALE' });
      const names = readdirSync(handle.base, { encoding: 'latin1' }).sort();
      levels.push({ handle, stat, path, names, next: 0 });
      const upper = levels[levels.length - 1 - OPEN_LEVELS];
      if (upper?.handle) {
        closeFolder(upper.handle);
        upper.handle = null;
      }
    } catch (error) {
      if (handle) closeFolder(handle);
      trouble(path, error);
    }
  };

  const look = (parent: FolderHandle, name: string, path: string) => {
    const place = rawPath(parent.base + name);
    const stat = lstatSync(place, { bigint: true });
    const isFolder = stat.isDirectory();
    if (excludes?.(path, isFolder)) {
      excluded += 1;
      return;
    }
    batch.add(path, stat, stat.isSymbolicLink() ? readlinkSync(place, { encoding: 'buffer' }) : null);
    if (batch.full) flush();
    if (!isFolder) return;
    if (options.oneFileSystem && stat.dev !== rootStat.dev) otherFileSystems += 1;
    else enter(parent, name, path, stat);
  };

  const rootStat = fstatSync(root.fd, { bigint: true });
  if (options.only !== null) {
    try {
      look(root, options.only, options.only);
    } catch (error) {
      // Named by the operator: not the kind of entry that may vanish without a word.
      problems.push({ path: options.only, code: systemCode(error) ?? 'EIO' });
    }
  } else {
    batch.add('', rootStat, null);
    enter(root, '.', '', rootStat);
  }
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const name = level.names[level.next];
    if (name === undefined || level.handle === null) {
      if (name !== undefined) trouble(level.path, Object.assign(new Error(), { code: 'ESTALE' }));
      leave(root, level, levels.at(-2));
      levels.pop();
      continue;
    }
    level.next += 1;
    const path = level.path === '' ? name : `${level.path}/${name}`;
    try {
      look(level.handle, name, path);
    } catch (error) {
      trouble(path, error);
    }
  }
  flush();
  return { excluded, vanished, otherFileSystems, problems, problemsMore };
}

/** Closes a level; the one above it, if it was closed on the way down, is opened again, or stays null when it cannot be found. */
function leave(root: FolderHandle, level: Level, above: Level | undefined): void {
  if (above && above.handle === null) {
    const below = level.handle;
    above.handle =
      (below && openSame(() => openFolderIn(below, '..'), above)) ??
      openSame(() => openFolderBeneath(root, above.path), above);
  }
  if (level.handle) closeFolder(level.handle);
}

/** Null unless `open` arrives at the very folder that `level` stands for. */
function openSame(open: () => FolderHandle, level: Level): FolderHandle | null {
  try {
    const handle = open();
    const stat = fstatSync(handle.fd, { bigint: true });
    if (stat.ino === level.stat.ino && stat.dev === level.stat.dev) return handle;
    closeFolder(handle);
    return null;
  } catch {
    return null;
  }
}
