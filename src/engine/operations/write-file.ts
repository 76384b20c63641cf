import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { writeAlong } from '../base/write-along.ts';

export interface NewFile {
  readonly target: string;
  readonly content: AsyncIterable<Uint8Array>;
  /** Hex; null when the content proves itself. */
  readonly sha256: string | null;
  readonly replace: boolean;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Where the file stands until it is whole; in the target's folder. Default: a new name. */
  readonly temporary?: string;
  /** Called when all is checked, right before the rename. */
  readonly beforeReplace?: () => void;
}

/**
 * Writes a file 0600 whole or not at all: a temporary sibling, fsync, the hash compared, then renamed. Throws
 * `target_not_empty` when the target is there and may not be replaced, `restore_mismatch`, `target_failed`.
 */
export async function writeNewFile(file: NewFile): Promise<number> {
  const { target } = file;
  const folder = dirname(target);
  const temporary = file.temporary ?? join(folder, `.${basename(target).slice(0, 200)}.${newId()}.part`);
  try {
    const written = await writeAlong(temporary, { ...file, isHashed: file.sha256 !== null });
    if (file.sha256 !== null && written.sha256 !== file.sha256) {
      throw new HoldfastError('restore_mismatch', `${target} would differ from what was backed up`);
    }
    if (!file.replace) await refuseExisting(target);
    file.beforeReplace?.();
    await rename(temporary, target);
    await syncFolder(folder);
    return written.sizeBytes;
  } catch (error) {
    await rm(temporary, { force: true });
    throw translated(error, target);
  }
}

async function refuseExisting(target: string): Promise<void> {
  const handle = await open(target, 'r').catch(() => null);
  if (!handle) return;
  await handle.close();
  throw new HoldfastError('target_not_empty', `${target} is there already`);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function translated(error: unknown, target: string): unknown {
  const code = systemCode(error);
  if (error instanceof HoldfastError || code === null || !/^E[A-Z]+$/.test(code)) return error;
  return new HoldfastError('target_failed', `${target} cannot be written: ${code}`, { cause: error });
}
