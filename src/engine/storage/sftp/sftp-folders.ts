import { posix } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { STATUS, statusOf } from './sftp-failure.ts';
import type { RemoteEntry, SftpSession } from './sftp-session.ts';

const FOLDER_MODE = 0o700;

/** Another process may remove a parent that just became empty. */
const ATTEMPTS_TO_MAKE = 3;

/** Folders that are synced at once while everything that is visible is made durable. */
const SYNCED_AT_ONCE = 16;

/** What this process knows to be durable in one storage; see `DurableFolders` of local folders. Outlasts connections. */
export interface DurableFolders {
  /** Of the storage. */
  readonly root: string;
  readonly known: Set<string>;
  /** False once the server said that it has no way to sync: then nothing is gained by asking. */
  canSync: boolean;
}

export const durableFolders = (root: string): DurableFolders => ({ root, known: new Set(), canSync: true });

/**
 * Creates missing folders from the top down, 0700, and makes each durable in its parent. A place that calls its own content missing, such
 * as a mount whose server is gone, gives `storage_io` and not another attempt for ever.
 */
export async function makeFolders(
  session: SftpSession,
  path: string,
  durable: DurableFolders,
  attempts = ATTEMPTS_TO_MAKE,
): Promise<void> {
  try {
    await session.makeFolder(path, FOLDER_MODE);
  } catch (error) {
    const status = statusOf(error);
    if (status === null) throw error;
    if (status !== STATUS.noSuchFile) {
      const there = await session.stat(path);
      if (there?.kind === 'folder') return;
      throw error;
    }
    if (posix.dirname(path) === path) throw error;
    if (attempts <= 1) {
      throw new HoldfastError(
        'storage_io',
        `the folder ${path} cannot be made: the server calls it missing`,
        {
          cause: error,
          next: 'check that it is mounted, and that folders can be made there',
        },
      );
    }
    await makeFolders(session, posix.dirname(path), durable);
    return makeFolders(session, path, durable, attempts - 1);
  }
  await syncFolder(session, posix.dirname(path));
  durable.known.add(path);
}

/**
 * Of a folder in the storage that was there: whoever made it may have died before it was durable in its parent, and so may those above
 * it. Once for each; one sync serves all its siblings.
 */
export async function makeDurable(
  session: SftpSession,
  path: string,
  durable: DurableFolders,
): Promise<void> {
  const { root, known } = durable;
  if (!durable.canSync || known.has(path)) return;
  const parent = posix.dirname(path);
  if (path === root || parent === path) {
    // What is around the storage may belong to somebody else.
    await syncFolder(session, parent).catch(unlessLost);
    known.add(path);
    return;
  }
  await makeDurable(session, parent, durable);
  const siblings = await foldersIn(session, parent);
  durable.canSync = await syncFolder(session, parent);
  for (const sibling of siblings) known.add(sibling);
}

/** Makes every name in a folder and below it durable: what a run left that was killed before it could. */
export async function syncBelow(
  session: SftpSession,
  folder: string,
  durable: DurableFolders,
): Promise<void> {
  durable.canSync = await syncFolder(session, folder);
  const below = await foldersIn(session, folder);
  for (let i = 0; i < below.length && durable.canSync; i += SYNCED_AT_ONCE) {
    const some = below.slice(i, i + SYNCED_AT_ONCE);
    await Promise.all(some.map((one) => syncBelow(session, one, durable)));
  }
}

async function foldersIn(session: SftpSession, folder: string): Promise<string[]> {
  const entries = await readWholeFolder(session, folder);
  return entries.filter(({ kind }) => kind === 'folder').map(({ name }) => posix.join(folder, name));
}

/**
 * Makes the names in a folder durable. The protocol has no such call, but OpenSSH opens a folder like a file and syncs it;
 * where a server or its file system has no such thing, the file system decides. A sync that was tried and failed throws. False when the
 * server has no way to sync anything.
 */
export async function syncFolder(session: SftpSession, path: string): Promise<boolean> {
  const handle = await session.open(path, 'r', 0).catch((error: unknown) => {
    if (statusOf(error) === null) throw error;
    return null;
  });
  if (handle === null) return true;
  try {
    return (await session.sync(handle).catch(notOffered)) ?? true;
  } finally {
    session.close(handle).catch(() => {});
  }
}

function unlessLost(error: unknown): void {
  if (statusOf(error) === null) throw error;
}

/** Plain failure stands for an error of the disk; everything else says that this cannot be asked for. */
function notOffered(error: unknown): null {
  const status = statusOf(error);
  if (status === null || status === STATUS.failure) throw error;
  return null;
}

/** Everything in a folder; empty when it does not exist. */
export async function readWholeFolder(session: SftpSession, path: string): Promise<RemoteEntry[]> {
  let handle: Buffer;
  try {
    handle = await session.openFolder(path);
  } catch (error) {
    if (statusOf(error) === STATUS.noSuchFile) return [];
    throw error;
  }
  const found: RemoteEntry[] = [];
  try {
    for (;;) {
      const entries = await session.readFolder(handle);
      if (entries === null) return found;
      found.push(...entries.filter(({ name }) => isPlain(name)));
    }
  } finally {
    session.close(handle).catch(() => {});
  }
}

/** A hostile server may answer with anything. */
function isPlain(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}
