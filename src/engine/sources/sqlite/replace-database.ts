import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { SQLITE, sqliteCode } from './failures.ts';
import { openExisting } from './open-live.ts';

export interface ReplaceTask {
  readonly kind: 'replace';
  /** The finished file; null only asks whether the target could give way. */
  readonly temporary: string | null;
  readonly target: string;
  /** False when there is nothing at the target. */
  readonly isThere: boolean;
}

export const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

/**
 * Renames a finished file over the target. A WAL or journal left there would be played into the new database, and
 * taking it away would make the old one lose transactions; so the old one first takes in what is its own, under its
 * own exclusive lock, and is whole at every moment until the rename. Throws `target_busy`, `target_failed`,
 * `target_not_empty`.
 */
export function replaceDatabase({ temporary, target, isThere }: ReplaceTask): null {
  if (isThere) settle(target);
  if (temporary === null) return null;
  if (!isThere && existsSync(target)) {
    throw new HoldfastError('target_not_empty', `${target} appeared while it was being restored`);
  }
  for (const end of SIDE_FILES) rmSync(target + end, { force: true });
  renameSync(temporary, target);
  syncFolder(dirname(target));
  return null;
}

/** Recovers, makes the checkpoint, and so removes journal files. Anything that is no database just gives way. */
function settle(target: string): void {
  try {
    const database = openExisting(target, 0);
    try {
      // In WAL mode only this lock notices a connection that is idle.
      database.exec('pragma locking_mode = exclusive');
      database.exec('begin exclusive; rollback');
    } finally {
      database.close();
    }
  } catch (error) {
    const code = sqliteCode(error);
    if (code === SQLITE.notADatabase || code === SQLITE.corrupt) return;
    if (code === SQLITE.busy || code === SQLITE.locked) {
      throw new HoldfastError('target_busy', `${target} is in use`);
    }
    throw new HoldfastError('target_failed', `${target} cannot be replaced: ${(error as Error).message}`);
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
