import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { FILE_MODE, type FileOperations } from './file-operations.ts';
import type { PutContent, StorageOptions } from './port.ts';
import { partsOf } from './put-content.ts';

/** Where unfinished objects live. A segment of this name never shows in a listing. */
export const TEMPORARY = '.tmp';

/**
 * Temporary file, fsync, publish by hard link (which never replaces), fsync of the folder. Why a link and not a
 * rename: docs/decisions/0003-local-storage-publishing.md.
 */
export async function putLocal(
  files: FileOperations,
  folder: string,
  name: string,
  content: PutContent,
  options: StorageOptions,
): Promise<'created' | 'exists'> {
  const target = join(folder, name);
  await makeFolders(files, join(folder, TEMPORARY));
  await makeFolders(files, dirname(target));
  const temporary = join(folder, TEMPORARY, newId());
  try {
    await writeDurably(files, temporary, content, options);
    options.signal?.throwIfAborted();
    const published = await publish(files, temporary, target);
    await syncFolder(files, dirname(target));
    return published;
  } finally {
    await files.unlink(temporary).catch(() => {});
  }
}

async function writeDurably(
  files: FileOperations,
  path: string,
  content: PutContent,
  options: StorageOptions,
): Promise<void> {
  const file = await files.open(path, 'wx', FILE_MODE);
  try {
    for await (const part of partsOf(content)) {
      options.signal?.throwIfAborted();
      await writeWhole(files, file, part);
    }
    await file.chmod(FILE_MODE);
    await files.sync(file);
  } catch (error) {
    await files.close(file).catch(() => {});
    throw error;
  }
  await files.close(file);
}

async function writeWhole(files: FileOperations, file: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const written = await files.write(file, bytes.subarray(at));
    if (written <= 0)
      throw new HoldfastError('storage_io', 'the file system wrote nothing and gave no error');
    at += written;
  }
}

/**
 * File systems without hard links get a look and a rename. Two writers of one name could then both succeed; object
 * names are unique by themselves, so they would have written the same bytes.
 */
async function publish(
  files: FileOperations,
  temporary: string,
  target: string,
): Promise<'created' | 'exists'> {
  try {
    await files.link(temporary, target);
    return 'created';
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return 'exists';
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
  }
  const isThere = await files.lstat(target).then(
    () => true,
    () => false,
  );
  if (isThere) return 'exists';
  await files.rename(temporary, target);
  return 'created';
}

/** Another process may remove a parent that just became empty. */
const ATTEMPTS_TO_MAKE = 3;

/**
 * Creates missing folders from the top down, 0700, and makes each durable in its parent. A place that calls its own content missing,
 * such as /proc or a mount by autofs whose server is gone, gives `storage_io` and not another attempt for ever.
 */
export async function makeFolders(
  files: FileOperations,
  path: string,
  attempts = ATTEMPTS_TO_MAKE,
): Promise<void> {
  try {
    await files.mkdir(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw error;
    if (attempts <= 1) {
      throw new HoldfastError('storage_io', `the folder ${path} cannot be made: ENOENT`, {
        cause: error,
        next: 'check that it is mounted, and that folders can be made there',
      });
    }
    await makeFolders(files, dirname(path));
    return makeFolders(files, path, attempts - 1);
  }
  await syncFolder(files, dirname(path));
}

export async function syncFolder(files: FileOperations, path: string): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await files.sync(folder);
  } finally {
    await files.close(folder);
  }
}
