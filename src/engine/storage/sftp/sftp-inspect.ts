import { posix } from 'node:path';
import { newId } from '../../base/ids.ts';
import type { StorageFinding } from '../port.ts';
import { statusOf } from './sftp-failure.ts';
import { durableFolders } from './sftp-folders.ts';
import { TEMPORARY, withFolder } from './sftp-put.ts';
import type { SftpSession } from './sftp-session.ts';
import { FILE_MODE } from './sftp-write.ts';

/** What the server can do beyond the plain protocol, tried on temporary files that are removed again. */
export async function inspectServer(session: SftpSession, root: string): Promise<StorageFinding[]> {
  const temporary = posix.join(root, TEMPORARY, newId());
  const second = posix.join(root, TEMPORARY, newId());
  try {
    const handle = await withFolder(session, durableFolders(root), temporary, () =>
      session.open(temporary, 'wx', FILE_MODE),
    );
    const syncs = await session.sync(handle).finally(() => session.close(handle));
    return [durability(syncs), overwriting(await canLink(session, temporary, second))];
  } finally {
    await Promise.allSettled([session.remove(temporary), session.remove(second)]);
  }
}

/** Some file systems below a server have no hard links, though the server itself knows how to ask for one. */
async function canLink(session: SftpSession, from: string, to: string): Promise<boolean> {
  try {
    return await session.link(from, to);
  } catch (error) {
    if (statusOf(error) === null) throw error;
    return false;
  }
}

function durability(syncs: boolean): StorageFinding {
  const name = 'durability';
  if (syncs) return { name, status: 'ok', message: 'the server syncs what it stores', next: null };
  return {
    name,
    status: 'warning',
    message: 'the server cannot sync: a power loss there may take backups that were called a success',
    next: 'use the SFTP server of OpenSSH, and run holdfast verify after a power loss',
  };
}

function overwriting(links: boolean): StorageFinding {
  const name = 'no overwriting';
  if (links) return { name, status: 'ok', message: 'the server never replaces an object', next: null };
  return {
    name,
    status: 'ok',
    message:
      'the server has no hard links: names are looked up before a rename, and are unique by themselves',
    next: null,
  };
}
