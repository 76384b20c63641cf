import { constants } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DAY_MS } from '../base/clock.ts';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { once } from '../base/once.ts';
import { type FileOperations, systemFiles } from './file-operations.ts';
import { localFailure } from './local-failure.ts';
import { durableFolders, settle, syncFolder, TEMPORARY } from './local-folders.ts';
import { listLocal } from './local-list.ts';
import { putLocal } from './local-put.ts';
import { checkObjectName, checkPrefix } from './object-name.ts';
import type { ByteRange, ObjectInfo, Storage } from './port.ts';

const OPEN_BYTES = 1 << 20;

export interface LocalStorageOptions {
  /** Made 0700 on the first put; reading from a missing folder finds nothing. */
  readonly folder: string;
  readonly fileSystem?: FileOperations;
}

/**
 * A folder as storage: files 0600, folders 0700, durable when a call returns. A symbolic link below
 * the folder is never followed: what leads through one counts as missing.
 */
export async function openLocalStorage(options: LocalStorageOptions): Promise<Storage> {
  const files = options.fileSystem ?? systemFiles;
  const folder = resolve(options.folder);
  const durable = durableFolders(folder);
  const settled = once(() => settle(files, durable));
  await removeLeftovers(files, folder);
  const guarded = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    checkObjectName(name);
    try {
      await refuseLinks(files, folder, name);
      return await work();
    } catch (error) {
      throw localFailure(error, name);
    }
  };
  return {
    address: folder,
    readsAreCheap: true,
    put: (name, content, given = {}) =>
      guarded(name, async () => {
        await settled();
        return putLocal(files, durable, name, content, given);
      }),
    get: (name, range, given = {}) =>
      guarded(name, async () => {
        given.signal?.throwIfAborted();
        return read(files, join(folder, name), range);
      }),
    async *open(name, given = {}) {
      for (let at = 0; ; at += OPEN_BYTES) {
        given.signal?.throwIfAborted();
        const range = { offset: at, length: OPEN_BYTES };
        const bytes = await guarded(name, () => read(files, join(folder, name), range));
        if (bytes.length > 0) yield bytes;
        if (bytes.length < OPEN_BYTES) return;
      }
    },
    async *list(prefix, given = {}) {
      checkPrefix(prefix);
      try {
        for await (const info of listLocal(files, folder, prefix)) {
          given.signal?.throwIfAborted();
          yield info;
        }
      } catch (error) {
        throw localFailure(error, folder);
      }
    },
    stat: (name) => guarded(name, () => statOf(files, folder, name)),
    remove: (name) =>
      guarded(name, async () => {
        const path = join(folder, name);
        const isGone = await files.unlink(path).then(() => true, ignoreMissing);
        if (isGone) await syncFolder(files, dirname(path));
      }),
    freeBytes: () => freeBytes(files, folder),
    async close() {},
  };
}

async function read(files: FileOperations, path: string, range: ByteRange | undefined): Promise<Buffer> {
  const file = await files.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    const offset = Math.min(range?.offset ?? 0, size);
    const length = Math.min(range?.length ?? size, size - offset);
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    while (at < length) {
      const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) throw new HoldfastError('storage_io', `${path} ended early`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await files.close(file);
  }
}

async function statOf(files: FileOperations, folder: string, name: string): Promise<ObjectInfo | null> {
  const stat = await files.lstat(join(folder, name)).catch((error: unknown) => {
    ignoreMissing(error);
    return null;
  });
  return stat?.isFile() ? { name, sizeBytes: stat.size, modifiedAtMs: stat.mtimeMs } : null;
}

/** A folder inside the storage that was replaced by a link could lead anywhere. */
async function refuseLinks(files: FileOperations, folder: string, name: string): Promise<void> {
  const segments = name.split('/');
  for (let depth = 1; depth < segments.length; depth += 1) {
    const path = join(folder, ...segments.slice(0, depth));
    const stat = await files.lstat(path).catch(() => null);
    if (stat === null) return;
    if (!stat.isDirectory()) throw new HoldfastError('storage_io', `${path} is not a folder`);
  }
}

async function freeBytes(files: FileOperations, folder: string): Promise<number | null> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await files.statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || path === dirname(path)) return null;
    }
  }
}

/** Unfinished objects of writers that died: a day is longer than any put. */
async function removeLeftovers(files: FileOperations, folder: string): Promise<void> {
  const entries = await files.opendir(join(folder, TEMPORARY)).catch(() => null);
  if (entries === null) return;
  for await (const entry of entries) {
    const path = join(folder, TEMPORARY, entry.name);
    const stat = await files.lstat(path).catch(() => null);
    if (stat && Date.now() - stat.mtimeMs > DAY_MS) await files.unlink(path).catch(() => {});
  }
}

function ignoreMissing(error: unknown): false {
  if (systemCode(error) === 'ENOENT') return false;
  throw error;
}
