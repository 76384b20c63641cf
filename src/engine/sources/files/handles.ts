/**
 * Folders as open handles. Node has no `openat`, but on Linux `/proc/<pid>/fd/<n>/name` resolves `name` in the
 * folder that is open as `n`, wherever that folder has been moved to and whatever stands at its old path now.
 * Elsewhere (no /proc) the full path is used: same results, without protection against a racing process.
 *
 * Names are held as latin1 strings, one character per byte: any bytes fit, and sorting them sorts the bytes.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Only needs search permission on the folder, where O_RDONLY needs to read it. Linux only. */
const O_PATH = process.platform === 'linux' ? 0o10000000 : 0;

function findProcFolder(): string | null {
  try {
    // Not process.pid: /proc may belong to another process namespace.
    return `/proc/${readlinkSync('/proc/self')}/fd/`;
  } catch {
    return null;
  }
}

const PROC = findProcFolder();

/** True when folders are reached through handles, so that a racing process cannot lead us elsewhere. */
export const HANDLES_ARE_SAFE = PROC !== null;

export interface FolderHandle {
  readonly fd: number;
  /** Ends with a slash; a name appended to it is looked up in this folder. */
  readonly base: string;
}

const ASCII = /^[\0-\x7f]*$/;

/** A latin1 string of raw bytes as a path for `node:fs`. */
export function rawPath(path: string): string | Buffer {
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1');
}

/** Opens a folder by its full path (raw), following no symlink at its end. */
export function openFolderAt(path: string, search = false): FolderHandle {
  const fd = openSync(rawPath(path), O_DIRECTORY | O_NOFOLLOW | (search ? O_PATH : O_RDONLY));
  return { fd, base: PROC === null ? `${path}/` : `${PROC}${fd}/` };
}

/** Opens the folder `name` in `parent`, never a symlink. With `search`, only to look names up in it. */
export function openFolderIn(parent: FolderHandle, name: string, search = false): FolderHandle {
  const fd = openSync(rawPath(parent.base + name), O_DIRECTORY | O_NOFOLLOW | (search ? O_PATH : O_RDONLY));
  return { fd, base: PROC === null ? `${parent.base}${name}/` : `${PROC}${fd}/` };
}

export function closeFolder(handle: FolderHandle): void {
  closeSync(handle.fd);
}

/**
 * Opens the folder at `path` (raw, relative, `/`-separated, may be empty) beneath `root`, one component after
 * the other and following no symlink. The caller closes it. Works beyond PATH_MAX.
 */
export function openFolderBeneath(root: FolderHandle, path: string, search = false): FolderHandle {
  if (path === '') return openFolderIn(root, '.', search);
  const names = path.split('/');
  let folder = root;
  try {
    for (const [i, name] of names.entries()) {
      const next = openFolderIn(folder, name, i < names.length - 1 || search);
      if (folder !== root) closeFolder(folder);
      folder = next;
    }
    return folder;
  } catch (error) {
    if (folder !== root) closeFolder(folder);
    throw error;
  }
}

export function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf('/');
  return slash < 0
    ? { folder: '', name: path }
    : { folder: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Runs `work` with the folder that holds `path` and the last name of `path`, and closes the folder. */
export function withParentOf<T>(
  root: FolderHandle,
  path: string,
  work: (parent: FolderHandle, name: string) => T,
): T {
  const { folder, name } = splitPath(path);
  const parent = openFolderBeneath(root, folder, true);
  try {
    return work(parent, name);
  } finally {
    closeFolder(parent);
  }
}

/** Never blocks on a FIFO that took a file's place, never follows a symlink. */
export const OPEN_TO_READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
/** Leaves room for the handle's own prefix below PATH_MAX (4,096). */
const LONGEST_PATH = 3900;

/**
 * Opens a file beneath `root` for reading. The short way looks the whole path up at once and therefore could
 * be led through a swapped folder, so it counts only when it arrives at the file the walk saw; everything else goes component by component.
 */
export function openFileBeneath(
  root: FolderHandle,
  path: string,
  seen: { dev: bigint; ino: bigint },
): number {
  if (path.length <= LONGEST_PATH) {
    const fd = openOrNull(rawPath(root.base + path));
    if (fd !== null) {
      const stat = fstatSync(fd, { bigint: true });
      if (stat.ino === seen.ino && stat.dev === seen.dev) return fd;
      closeSync(fd);
    }
  }
  return withParentOf(root, path, (parent, name) => {
    // Looked at before it is opened: opening a device may do something.
    const stat = lstatSync(rawPath(parent.base + name), { bigint: true });
    if (!stat.isFile()) throw Object.assign(new Error('no longer a file'), { code: 'ENOENT' });
    return openSync(rawPath(parent.base + name), OPEN_TO_READ);
  });
}

/** Null for what the careful way should look at again; other errors pass. */
function openOrNull(path: string | Buffer): number | null {
  try {
    return openSync(path, OPEN_TO_READ);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO') return null;
    throw error;
  }
}
