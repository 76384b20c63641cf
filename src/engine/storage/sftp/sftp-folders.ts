import { posix } from 'node:path';
import { STATUS, statusOf } from './sftp-failure.ts';
import type { RemoteEntry, SftpSession } from './sftp-session.ts';

const FOLDER_MODE = 0o700;

/** Creates missing folders from the top down, 0700, and makes each durable in its parent. */
export async function makeFolders(session: SftpSession, path: string): Promise<void> {
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
    await makeFolders(session, posix.dirname(path));
    return makeFolders(session, path);
  }
  await syncFolder(session, posix.dirname(path));
}

/**
 * Makes the names in a folder durable. The protocol has no such call, but OpenSSH opens a folder like a file and syncs it;
 * where a server or its file system has no such thing, the file system decides. A sync that was tried and failed throws.
 */
export async function syncFolder(session: SftpSession, path: string): Promise<void> {
  const handle = await session.open(path, 'r', 0).catch((error: unknown) => {
    if (statusOf(error) === null) throw error;
    return null;
  });
  if (handle === null) return;
  try {
    await session.sync(handle).catch(notOffered);
  } finally {
    session.close(handle).catch(() => {});
  }
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
