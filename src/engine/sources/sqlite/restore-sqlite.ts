import { createHash } from 'node:crypto';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, HoldfastError, systemCode } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { ArtifactReader, Content, Facts } from '../port.ts';
import { type CopyFacts, runTask } from './sqlite-task.ts';

export interface RestoreSqliteOptions {
  readonly reader: ArtifactReader;
  readonly content: Content;
  readonly sizeBytes: number;
  /** Hex; not compared when left out. */
  readonly sha256?: string;
  readonly facts?: Facts;
  readonly target: string;
  /** Confirmed: a database that is there gives way. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
}

const SIDE_FILES = ['-wal', '-shm', '-journal'];

/**
 * Writes the database beside the target, compares size and hash, runs `integrity_check`, and only then renames it
 * into place, 0600. What is replaced loses its journal files with it. Throws `target_not_empty`, `target_busy`,
 * `restore_mismatch`, `target_failed`; then the target is as it was.
 */
export async function restoreSqlite(options: RestoreSqliteOptions): Promise<void> {
  const { target, signal } = options;
  const isThere = (await lstat(target).catch(() => null)) !== null;
  if (isThere && options.replace !== true) {
    throw new HoldfastError('target_not_empty', `${target} is there already`);
  }
  if (isThere) await refuseBusy(target);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target).slice(0, 200)}.${newId()}.part`);
  try {
    await writeChecked(temporary, options);
    const { damage } = await runTask<CopyFacts>({ kind: 'check', path: temporary }, signal);
    if (damage.length > 0) {
      throw new HoldfastError('restore_mismatch', `${target} would fail its integrity check: ${damage[0]}`);
    }
    await removeSideFiles(temporary);
    if (isThere) {
      await refuseBusy(target);
      await removeSideFiles(target);
    }
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    await removeSideFiles(temporary);
    throw translated(error, target);
  }
}

async function writeChecked(path: string, options: RestoreSqliteOptions): Promise<void> {
  const { reader, content, sizeBytes, sha256, target, signal } = options;
  const hash = createHash('sha256');
  const file = await open(path, 'wx', 0o600);
  let written = 0;
  try {
    for await (const bytes of reader.read(content)) {
      signal?.throwIfAborted();
      hash.update(bytes);
      await writeWhole(file, bytes);
      written += bytes.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const isSame = written === sizeBytes && (sha256 === undefined || hash.digest('hex') === sha256);
  if (!isSame) throw new HoldfastError('restore_mismatch', `${target} would differ from what was backed up`);
}

async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

/** An application that still has the old file open would go on writing into nothing. */
async function refuseBusy(target: string): Promise<void> {
  try {
    await runTask({ kind: 'probe', path: target });
  } catch (error) {
    if (codeOf(error) !== 'source_busy') return;
    throw new HoldfastError('target_busy', `${target} is in use`, { cause: error });
  }
}

async function removeSideFiles(path: string): Promise<void> {
  for (const end of SIDE_FILES) await rm(path + end, { force: true });
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
