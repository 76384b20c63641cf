import { dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';
import type { FileOperations } from './file-operations.ts';

/** Where unfinished objects live. A segment of this name never shows in a listing. */
export const TEMPORARY = '.tmp';

/**
 * What this process knows to be durable in one storage. A run that was killed leaves folders and objects that everybody sees and that
 * a power loss may still take away, with what later runs put into them or take from them.
 */
export interface DurableFolders {
  /** Of the storage. */
  readonly root: string;
  readonly known: Set<string>;
}

export const durableFolders = (root: string): DurableFolders => ({ root, known: new Set() });

/** Another process may remove a parent that just became empty. */
const ATTEMPTS_TO_MAKE = 3;

/**
 * Creates missing folders from the top down, 0700, and makes each durable in its parent; those below the root that are there already, once.
 * A place that calls its own content missing, such as /proc or a mount by autofs whose server is gone, gives `storage_io` and not another
 * attempt for ever.
 */
export async function makeFolders(
  files: FileOperations,
  path: string,
  durable: DurableFolders,
  attempts = ATTEMPTS_TO_MAKE,
): Promise<void> {
  try {
    await files.mkdir(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return makeDurable(files, path, durable);
    if (code !== 'ENOENT') throw error;
    if (attempts <= 1) {
      throw new HoldfastError('storage_io', `the folder ${path} cannot be made: ENOENT`, {
        cause: error,
        next: 'check that it is mounted, and that folders can be made there',
      });
    }
    await makeFolders(files, dirname(path), durable);
    return makeFolders(files, path, durable, attempts - 1);
  }
  await makeDurable(files, dirname(path), durable);
  await syncFolder(files, dirname(path));
  durable.known.add(path);
}

/** Of a folder that was there: whoever made it may have died before it was durable. One sync serves all its siblings. */
async function makeDurable(files: FileOperations, path: string, durable: DurableFolders): Promise<void> {
  const { root, known } = durable;
  if (known.has(path)) return;
  if (path === root) {
    // What is around the storage may belong to somebody else.
    await syncFolder(files, dirname(path)).catch(() => {});
    known.add(path);
    return;
  }
  if (!path.startsWith(`${root}/`)) return;
  const parent = dirname(path);
  await makeDurable(files, parent, durable);
  const siblings = await foldersIn(files, parent);
  await syncFolder(files, parent);
  for (const name of siblings) known.add(join(parent, name));
}

/**
 * Makes durable what is visible, once for each process, before it puts anything: a temporary name that is still there may be that of an
 * object whose folder was never synced, since it goes only afterwards.
 */
export async function settle(files: FileOperations, { root }: DurableFolders): Promise<void> {
  const unfinished = await files.opendir(join(root, TEMPORARY)).catch(() => null);
  const first = await unfinished?.read();
  await unfinished?.close();
  if (first) await syncBelow(files, root);
}

async function syncBelow(files: FileOperations, folder: string): Promise<void> {
  for (const name of await foldersIn(files, folder)) {
    if (name !== TEMPORARY) await syncBelow(files, join(folder, name));
  }
  await syncFolder(files, folder).catch(ignoreMissing);
}

async function foldersIn(files: FileOperations, folder: string): Promise<string[]> {
  const names: string[] = [];
  const entries = await files.opendir(folder).catch(ignoreMissing);
  for await (const entry of entries ?? []) if (entry.isDirectory()) names.push(entry.name);
  return names;
}

function ignoreMissing(error: unknown): null {
  if (systemCode(error) === 'ENOENT') return null;
  throw error;
}

export async function syncFolder(files: FileOperations, path: string): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await files.sync(folder);
  } finally {
    await files.close(folder);
  }
}
