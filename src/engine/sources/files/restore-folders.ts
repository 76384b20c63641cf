import { randomBytes } from 'node:crypto';
import { type BigIntStats, fstatSync, lstatSync, mkdirSync, rmdirSync } from 'node:fs';
import { HoldfastError } from '../../base/errors.ts';
import type { TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { closeFolder, type FolderHandle, openFolderIn, rawPath } from './handles.ts';
import { applyToHandle, type MetadataPolicy } from './metadata.ts';

interface Level {
  handle: FolderHandle | null;
  readonly stat: BigIntStats;
  /** Null for a target folder whose own metadata is not in the tree. */
  readonly entry: TreeEntry | null;
  /** Path in the tree of the restore, latin1. */
  readonly path: string;
}

/** The folders on the way down to where entries are being restored, as open handles. */
export interface FolderStack {
  /** The handle of the folder that holds `path` (latin1); leaves folders that are done, with their metadata. */
  parentOf(path: string): FolderHandle;
  /** Makes and enters a folder. Its metadata is applied when it is left. */
  enter(path: string, entry: TreeEntry): void;
  /** Leaves all folders, applying their metadata from the deepest up. */
  finish(): void;
  /** Closes all handles, applying nothing. */
  abandon(): void;
}

const OPEN_LEVELS = 128;
const swapped = (path: string) =>
  new HoldfastError(
    'path_unsafe',
    `the folder ${escapePath(Buffer.from(path, 'latin1'))} was swapped while it was restored`,
    {
      next: 'find out which process writes to the target, then restore elsewhere',
    },
  );

const same = (a: BigIntStats, b: BigIntStats) => a.ino === b.ino && a.dev === b.dev;

type Owner = Pick<BigIntStats, 'uid' | 'mode'>;

/** What a folder looks like right after we made it: file systems that map owners or modes give it others than ours. */
function probeNewFolder(target: FolderHandle): Owner {
  const place = `${target.base}.holdfast-probe-${randomBytes(6).toString('hex')}`;
  mkdirSync(place, { mode: 0o700 });
  const stat = lstatSync(place, { bigint: true });
  rmdirSync(place);
  return stat;
}

/** Opens what was just made; anything else found there means that another process interferes. */
function openNew(
  parent: FolderHandle,
  name: string,
  path: string,
  expected: Owner,
): { handle: FolderHandle; stat: BigIntStats } {
  let handle: FolderHandle;
  try {
    handle = openFolderIn(parent, name);
  } catch (error) {
    throw new HoldfastError('path_unsafe', swapped(path).message, { cause: error });
  }
  const stat = fstatSync(handle.fd, { bigint: true });
  if (stat.uid !== expected.uid || (stat.mode & 0o777n) !== (expected.mode & 0o777n)) {
    closeFolder(handle);
    throw swapped(path);
  }
  return { handle, stat };
}

/** Starts in `target`, which the caller opened and closes. `rootEntry` is applied to it at the end. */
export function folderStack(
  target: FolderHandle,
  rootEntry: TreeEntry | null,
  policy: MetadataPolicy,
): FolderStack {
  const rootStat = fstatSync(target.fd, { bigint: true });
  const expected = probeNewFolder(target);
  const levels: Level[] = [{ handle: target, stat: rootStat, entry: rootEntry, path: '' }];

  const leave = () => {
    const level = levels.pop()!;
    const above = levels.at(-1);
    const handle = level.handle!;
    if (above && above.handle === null) {
      // Before the folder's own mode may forbid the way back.
      const opened = openFolderIn(handle, '..');
      if (!same(fstatSync(opened.fd, { bigint: true }), above.stat)) {
        closeFolder(opened);
        closeFolder(handle);
        throw swapped(level.path);
      }
      above.handle = opened;
    }
    if (level.entry) applyToHandle(handle.fd, level.entry, policy);
    if (handle !== target) closeFolder(handle);
  };

  const parentOf = (path: string): FolderHandle => {
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? '' : path.slice(0, slash);
    while (levels.length > 1 && levels.at(-1)!.path !== parent) {
      const { path: current } = levels.at(-1)!;
      if (parent.startsWith(`${current}/`)) break;
      leave();
    }
    const level = levels.at(-1)!;
    if (level.path !== parent)
      throw new HoldfastError('path_unsafe', 'an entry lies in no folder of its tree');
    return level.handle!;
  };

  return {
    parentOf,
    enter(path, entry) {
      const parent = parentOf(path);
      const name = path.slice(path.lastIndexOf('/') + 1);
      mkdirSync(rawPath(parent.base + name), { mode: 0o700 });
      levels.push({ ...openNew(parent, name, path, expected), entry, path });
      const upper = levels[levels.length - 1 - OPEN_LEVELS];
      if (upper?.handle && upper.handle !== target) {
        closeFolder(upper.handle);
        upper.handle = null;
      }
    },
    finish() {
      while (levels.length > 0) leave();
    },
    abandon() {
      for (const { handle } of levels.splice(0)) if (handle && handle !== target) closeFolder(handle);
    },
  };
}
