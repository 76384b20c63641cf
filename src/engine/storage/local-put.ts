import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { FILE_MODE, type FileOperations } from './file-operations.ts';
import { type DurableFolders, makeFolders, syncFolder, TEMPORARY } from './local-folders.ts';
import type { PutContent, StorageOptions } from './port.ts';
import { partsOf } from './put-content.ts';

/**
 * Temporary file, fsync, publish by hard link (which never replaces), fsync of the folder. Why a link and not a
 * rename: docs/decisions/0003-local-storage-publishing.md.
 */
export async function putLocal(
  files: FileOperations,
  durable: DurableFolders,
  name: string,
  content: PutContent,
  options: StorageOptions,
): Promise<'created' | 'exists'> {
  const target = join(durable.root, name);
  await makeFolders(files, join(durable.root, TEMPORARY), durable);
  await makeFolders(files, dirname(target), durable);
  const temporary = join(durable.root, TEMPORARY, newId());
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
