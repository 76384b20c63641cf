import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { makeFolders } from '../../base/make-folders.ts';
import { closeFolder, type FolderHandle, openFolderAt } from './handles.ts';

export interface RestoreTarget {
  readonly folder: FolderHandle;
  /** The folder stands beside the target: nobody sees what is in it before `commit`. */
  readonly isApart: boolean;
  /** Puts a finished restore in place. The result is where the folder replaced was moved to, or null. */
  commit(): string | null;
  /** Takes back what `commit` would have put in place, if that was kept apart. */
  discard(): void;
  close(): void;
}

/** Names for an exchange that is to be found again after a crash between its two renames. All in the target's own folder. */
export interface Exchange {
  readonly beside: string;
  readonly aside: string;
  /** Called right before the two renames, and between them. */
  readonly beforeExchange: () => void;
  readonly between?: () => void;
}

/** Characters of a folder's name that its stand-in carries: names end at 255 bytes. */
const NAME_KEPT = 50;

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

function targetFailed(path: string, error: unknown): HoldfastError {
  const code = systemCode(error);
  return new HoldfastError('target_failed', `${path} could not be written: ${code ?? String(error)}`, {
    cause: error,
  });
}

const isMissing = (path: string) => lstatSync(path, { throwIfNoEntry: false }) === undefined;

/** True for a folder with nothing in it, or for nothing at all. */
function isFree(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  return stat.isDirectory() && readdirSync(path).length === 0;
}

function openTarget(path: string): FolderHandle {
  makeFolders(path);
  return openFolderAt(latin1(realpathSync(path)));
}

/**
 * The folder a tree is restored into. A missing one gets its name only when the tree is whole; an empty one, which
 * may be a mount point, is filled in place. One that holds anything is `target_not_empty` unless
 * `replace`: then the tree is restored beside it, and only when it is whole the two change names; the old one is
 * kept under another name, so that there is a way back.
 */
export function openRestoreTarget(path: string, replace: boolean, exchange?: Exchange): RestoreTarget {
  const wanted = resolve(path);
  const mark = randomBytes(4).toString('hex');
  const besideOf = (real: string) =>
    join(dirname(real), `.${basename(real).slice(0, NAME_KEPT)}.holdfast-restoring-${mark}`);
  try {
    if (isMissing(wanted)) {
      const beside = besideOf(wanted);
      const folder = openTarget(beside);
      return {
        folder,
        isApart: true,
        commit() {
          place(beside, wanted);
          return null;
        },
        discard: () => removeTree(beside),
        close: () => closeFolder(folder),
      };
    }
    if (isFree(wanted)) {
      const folder = openTarget(wanted);
      return { folder, isApart: false, commit: () => null, discard() {}, close: () => closeFolder(folder) };
    }
    if (!replace) throw new HoldfastError('target_not_empty', `${path} is not empty`);
    const real = existsSync(wanted) ? realpathSync(wanted) : wanted;
    const beside = exchange?.beside ?? besideOf(real);
    const aside = exchange?.aside ?? join(dirname(real), `${basename(real)}.before-restore-${mark}`);
    const folder = openTarget(beside);
    return {
      folder,
      isApart: true,
      commit() {
        exchange?.beforeExchange();
        exchangeFolders(real, beside, aside, exchange?.between);
        return aside;
      },
      discard: () => removeTree(beside),
      close: () => closeFolder(folder),
    };
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw targetFailed(path, error);
  }
}

/** Only a missing or empty folder gives way: what appeared there meanwhile is not ours to replace. */
function place(beside: string, wanted: string): void {
  try {
    renameSync(beside, wanted);
  } catch (error) {
    const isTaken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '');
    if (!isTaken) throw targetFailed(wanted, error);
    throw new HoldfastError('target_not_empty', `something else appeared at ${wanted} meanwhile`, {
      cause: error,
    });
  }
}

/** Takes a tree away whose folders may already be locked to their owner. Never throws: it follows a failure that must be told. */
export function removeTree(path: string): void {
  if (isMissing(path)) return;
  try {
    unlockFolders(Buffer.from(path));
    rmSync(path, { recursive: true, force: true });
  } catch {
    // What stays carries a name that says what it is.
  }
}

function unlockFolders(path: Buffer): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) unlockFolders(Buffer.concat([path, Buffer.from('/'), entry.name]));
  }
}

/** Two renames: `real` becomes `aside`, `beside` becomes `real`. When the second fails the first is taken back. */
export function exchangeFolders(real: string, beside: string, aside: string, between?: () => void): void {
  try {
    renameSync(real, aside);
  } catch (error) {
    if (systemCode(error) !== 'EBUSY') throw targetFailed(real, error);
    throw new HoldfastError('target_busy', `${real} is a mount point and cannot be replaced as a whole`, {
      cause: error,
      next: 'restore into a folder beside it and move the files yourself',
    });
  }
  between?.();
  try {
    renameSync(beside, real);
  } catch (error) {
    renameSync(aside, real);
    throw targetFailed(real, error);
  }
}

/**
 * Where a single file goes: into `path` under its own name when that is a folder, else to `path` itself. `name`
 * is raw (latin1), as is the name in the result. The parent folder must exist.
 */
export function openFileTarget(path: string, name: string): { folder: FolderHandle; name: string } {
  const wanted = resolve(path);
  try {
    if (statSync(wanted, { throwIfNoEntry: false })?.isDirectory() || path.endsWith('/')) {
      return { folder: openTarget(wanted), name };
    }
    return { folder: openFolderAt(latin1(realpathSync(dirname(wanted)))), name: latin1(basename(wanted)) };
  } catch (error) {
    throw targetFailed(path, error);
  }
}
