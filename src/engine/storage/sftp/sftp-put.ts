import { posix } from 'node:path';
import { newId } from '../../base/ids.ts';
import type { PutContent, StorageOptions } from '../port.ts';
import { STATUS, statusOf } from './sftp-failure.ts';
import {
  type DurableFolders,
  makeDurable,
  makeFolders,
  readWholeFolder,
  syncBelow,
  syncFolder,
} from './sftp-folders.ts';
import type { SftpLink } from './sftp-link.ts';
import { sameContent } from './sftp-read.ts';
import type { SftpSession } from './sftp-session.ts';
import { uploadOf } from './sftp-upload.ts';
import { writeRemote } from './sftp-write.ts';

/** Where unfinished objects live. A segment of this name never shows in a listing. */
export const TEMPORARY = '.tmp';

/**
 * Writes to a temporary name, syncs, publishes under the final name without replacing, syncs the folder. When the
 * connection breaks, the step under way is repeated, or for a stream resumed: why that is safe stands in
 * docs/decisions/0007-sftp.md.
 */
export async function putRemote(
  link: SftpLink,
  durable: DurableFolders,
  name: string,
  content: PutContent,
  options: StorageOptions,
): Promise<'created' | 'exists'> {
  const { signal } = options;
  const { root } = durable;
  const target = posix.join(root, name);
  let isVisible = false;
  const temporaries: string[] = [];
  const upload = uploadOf(content);
  try {
    const temporary = await link.run(async (session) => {
      // A new name for each attempt: the server may still be working off what an earlier connection asked for.
      if (!upload.isResumed) temporaries.push(posix.join(root, TEMPORARY, newId()));
      const path = temporaries.at(-1)!;
      await withFolder(session, durable, path, () => writeRemote(session, path, upload, options));
      return path;
    }, signal);
    signal?.throwIfAborted();
    let isRepeated = false;
    const published = await link.run((session) => {
      const attempt = publish(session, durable, temporary, target, isRepeated);
      isRepeated = true;
      return attempt;
    }, signal);
    isVisible = true;
    await link.run(async (session) => {
      await makeDurable(session, posix.dirname(target), durable);
      await syncFolder(session, posix.dirname(target));
    }, signal);
    isVisible = false;
    return published;
  } finally {
    upload.end();
    // What is visible and not known to be durable keeps its temporary name, which tells the next process: see `settle`.
    if (isVisible) temporaries.pop();
    await link.ifConnected(
      (session) => Promise.allSettled(temporaries.map((path) => session.remove(path))),
      signal,
    );
  }
}

/**
 * Makes durable what is visible, once for each process, before it puts anything. A temporary name goes only after the folder of its
 * object was synced, so one that is there may be that of an object that a later run builds on and a power loss takes away.
 */
export async function settle(session: SftpSession, durable: DurableFolders): Promise<void> {
  const { root } = durable;
  const unfinished = await readWholeFolder(session, posix.join(root, TEMPORARY));
  if (unfinished.length > 0) await syncBelow(session, root, durable);
}

/**
 * `link` never replaces. Without it there is a look and a rename, which by the protocol must not replace either. A
 * repeated attempt may find its own work done, so that what it finds under the name is compared with what it wrote.
 */
async function publish(
  session: SftpSession,
  durable: DurableFolders,
  temporary: string,
  target: string,
  isRepeated: boolean,
): Promise<'created' | 'exists'> {
  const found = async (): Promise<'created' | 'exists' | null> => {
    if ((await session.stat(target)) === null) return null;
    if (!isRepeated) return 'exists';
    const isOurs =
      (await session.stat(temporary)) === null || (await sameContent(session, temporary, target));
    return isOurs ? 'created' : 'exists';
  };
  const attempt = async (work: () => Promise<boolean>): Promise<'created' | 'exists' | null> => {
    try {
      return (await withFolder(session, durable, target, work)) ? 'created' : null;
    } catch (error) {
      if (statusOf(error) === null) throw error;
      const there = await found();
      if (there !== null) return there;
      throw error;
    }
  };
  const linked = await attempt(() => session.link(temporary, target)).catch(withoutLinks);
  if (linked !== null) return linked;
  const there = await found();
  if (there !== null) return there;
  const renamed = await attempt(() => session.rename(temporary, target).then(() => true));
  return renamed ?? 'exists';
}

/** Where the file system has no hard links, servers answer one of these; if it was something else, the rename says so. */
function withoutLinks(error: unknown): null {
  const status = statusOf(error);
  if (status === STATUS.permissionDenied || status === STATUS.failure) return null;
  throw error;
}

/** Does the work, and once more after making the folder of `path` if that was what was missing. */
export async function withFolder<T>(
  session: SftpSession,
  durable: DurableFolders,
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) !== STATUS.noSuchFile) throw error;
  }
  await makeFolders(session, posix.dirname(path), durable);
  return work();
}
