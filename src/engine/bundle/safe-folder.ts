/**
 * Writes entries of hostile origin below one root. What keeps it safe: the root is fresh and ours alone (0700);
 * every parent is made or seen to be a real folder, component by component; files are created exclusively and
 * never opened through a link; and no symlink exists below the root until everything else is written.
 */
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readlink, symlink } from 'node:fs/promises';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { type BundleItem, printablePath } from './bundle-item.ts';
import { unsafe } from './entry-path.ts';
import { malformed } from './limits.ts';

const SLASH = 0x2f;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

export interface SafeFolder {
  /** Makes a folder and all above it, 0700. */
  folder(path: Buffer): Promise<void>;
  /** Makes the parents of an entry. */
  parents(path: Buffer): Promise<void>;
  /** Writes a new file with `mode`; synced when asked. */
  file(item: BundleItem, mode: number, sync: boolean): Promise<void>;
  /** False when the target is not there (yet). Its parents must be real folders, itself a file. */
  hardLink(path: Buffer, target: Buffer): Promise<boolean>;
  /** Only once nothing but symlinks and hard links to them is left to write. */
  symlink(path: Buffer, target: Buffer): Promise<void>;
  /** Another name of a symlink: the same symlink again. */
  copySymlink(path: Buffer, target: Buffer): Promise<void>;
  /** The path below the root, for setting attributes of what is known to be there. */
  place(path: Buffer): Buffer;
}

export function safeFolder(root: string): SafeFolder {
  const base = Buffer.from(`${root}/`);
  const place = (path: Buffer) => Buffer.concat([base, path]);
  // Entries come depth first, so the folder of the last one answers for most of the next.
  let known: Buffer = Buffer.alloc(0);

  const folder = async (path: Buffer) => {
    if (path.length === 0 || known.equals(path) || isBelow(known, path)) return;
    for (const parent of prefixes(path)) {
      if (known.equals(parent) || isBelow(known, parent)) continue;
      try {
        await mkdir(place(parent), { mode: 0o700 });
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw failed(error, parent);
        await expectFolder(parent);
      }
    }
    known = path;
  };
  const expectFolder = async (path: Buffer) => {
    const found = await lstat(place(path)).catch((error: unknown) => {
      throw failed(error, path);
    });
    if (!found.isDirectory()) throw unsafe(path, 'is a folder and something else as well');
  };
  const parents = (path: Buffer) => folder(parentOf(path));

  const realTarget = async (path: Buffer, target: Buffer) => {
    for (const parent of prefixes(parentOf(target))) {
      const found = await lstat(place(parent)).catch(() => null);
      if (found === null) return null;
      if (!found.isDirectory()) throw unsafe(path, 'links through something that is no folder');
    }
    return lstat(place(target)).catch(() => null);
  };

  return {
    folder,
    parents,
    place,
    async file(item, mode, sync) {
      await parents(item.path);
      await guarded(item.path, async () => {
        const handle = await open(place(item.path), CREATE, 0o600);
        try {
          await writeContent(item, (bytes, at) => writeAll(handle, bytes, at));
          await handle.truncate(item.sizeBytes);
          await handle.chmod(mode);
          const seconds = secondsText(item.modifiedAtNs);
          await handle.utimes(seconds, seconds);
          if (sync) await handle.sync();
        } finally {
          await handle.close();
        }
      });
    },
    async hardLink(path, target) {
      await parents(path);
      const found = await realTarget(path, target);
      if (found === null || found.isSymbolicLink()) return false;
      if (!found.isFile()) throw unsafe(path, 'is a hard link to something that is no file');
      await guarded(path, () => link(place(target), place(path)));
      return true;
    },
    symlink: (path, target) => guarded(path, () => symlink(target, place(path))),
    async copySymlink(path, target) {
      const found = await realTarget(path, target);
      if (!found?.isSymbolicLink()) throw malformed(`has a hard link "${printablePath(path)}" to nothing`);
      await guarded(path, async () => {
        await symlink(await readlink(place(target), { encoding: 'buffer' }), place(path));
      });
    },
  };
}

/** As text, since Node takes a negative number for "now". Precise to about 200 ns. */
export function secondsText(ns: bigint): string {
  return String(Number(ns) / 1e9);
}

async function writeContent(item: BundleItem, write: (bytes: Uint8Array, at: number) => Promise<void>) {
  if (item.content === null) return;
  const extents = item.extents ?? [[0, item.sizeBytes] as const];
  let index = 0;
  let done = 0;
  for await (const part of item.content) {
    let at = 0;
    while (at < part.length) {
      const extent = extents[index];
      if (extent === undefined) throw malformed('has a file larger than it says');
      const take = Math.min(extent[1] - done, part.length - at);
      if (take > 0) await write(part.subarray(at, at + take), extent[0] + done);
      at += take;
      done += take;
      if (done < extent[1]) continue;
      index += 1;
      done = 0;
    }
  }
}

async function writeAll(
  handle: {
    write(bytes: Uint8Array, offset: number, length: number, at: number): Promise<{ bytesWritten: number }>;
  },
  bytes: Uint8Array,
  at: number,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** `a`, `a/b`, … of `a/b/…`. */
function* prefixes(path: Buffer): Generator<Buffer> {
  for (let i = path.indexOf(SLASH); i > 0; i = path.indexOf(SLASH, i + 1)) yield path.subarray(0, i);
  if (path.length > 0) yield path;
}

function parentOf(path: Buffer): Buffer {
  const slash = path.lastIndexOf(SLASH);
  return path.subarray(0, Math.max(0, slash));
}

function isBelow(path: Buffer, folder: Buffer): boolean {
  return (
    path.length > folder.length &&
    path[folder.length] === SLASH &&
    path.subarray(0, folder.length).equals(folder)
  );
}

async function guarded<T>(path: Buffer, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw failed(error, path);
  }
}

/** What the file system said, as one of ours. */
export function failed(error: unknown, path: Buffer): unknown {
  const code = systemCode(error);
  if (error instanceof HoldfastError || code === null) return error;
  if (['EEXIST', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes(code)) return unsafe(path, 'is there twice');
  return new HoldfastError('target_failed', `"${printablePath(path)}" could not be written (${code})`, {
    cause: error,
  });
}
