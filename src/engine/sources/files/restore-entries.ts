import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { closeFolder, type FolderHandle, openFolderBeneath, rawPath, splitPath } from './handles.ts';
import { applyToHandle, applyToName, type MetadataPolicy } from './metadata.ts';
import { makeSpecialFile } from './special-files.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** A file that exists under its final name: what it is, to be told from anything put in its place. */
export interface PlacedFile {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** A file in the making. Exactly one of `end` and `abandon` closes it. */
export interface OpenFile {
  /** The next bytes of its extents joined. Throws `restore_mismatch` when they are more than the entry says. */
  write(bytes: Uint8Array): void;
  /** Gives the whole file its metadata and its name, and closes it, also when that fails. The result is null unless wanted. */
  end(wantsIdentity: boolean): PlacedFile | null;
  /** Takes the file away. */
  abandon(): void;
}

export interface EntryWriter {
  open(parent: FolderHandle, name: string, entry: TreeEntry): OpenFile;
  symlink(parent: FolderHandle, name: string, entry: TreeEntry): void;
  /** A second name for a file placed before, `target` being its path beneath `root`. */
  hardLink(root: FolderHandle, target: string, placed: PlacedFile, parent: FolderHandle, name: string): void;
  special(parent: FolderHandle, name: string, entry: TreeEntry): void;
}

/** Where the bytes of a file's data go: its extents, or all of it. */
function* places(entry: TreeEntry): Generator<[offset: number, length: number]> {
  if (entry.extents) yield* entry.extents as Iterable<[number, number]>;
  else if (entry.sizeBytes > 0) yield [0, entry.sizeBytes];
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}

/** Spreads joined data over a file's extents. */
function extentWriter(fd: number, entry: TreeEntry): { write(bytes: Uint8Array): void; end(): void } {
  const extents = places(entry);
  let extent = extents.next();
  let done = 0;
  const mismatch = (how: string) =>
    new HoldfastError('restore_mismatch', `${escapePath(entry.path)} has ${how} data than its entry says`);
  return {
    write(bytes) {
      let at = 0;
      while (at < bytes.length) {
        if (extent.done === true) throw mismatch('more');
        const [offset, length] = extent.value;
        const part = bytes.subarray(at, at + Math.min(bytes.length - at, length - done));
        writeFully(fd, part, offset + done);
        at += part.length;
        done += part.length;
        if (done < length) continue;
        extent = extents.next();
        done = 0;
      }
    },
    end() {
      if (extent.done !== true) throw mismatch('less');
      if (entry.extents) ftruncateSync(fd, entry.sizeBytes);
    },
  };
}

function alreadyThere(name: string, cause?: unknown): HoldfastError {
  const path = escapePath(Buffer.from(name, 'latin1'));
  return new HoldfastError('target_not_empty', `${path} is there already`, { cause });
}

/**
 * Creates entries, each under a temporary name that becomes the final one when the entry is whole; with `isApart`,
 * where nobody looks before everything is whole, files get their final name at once. `replace` says
 * whether a file that has the final name already gives way; otherwise it is `target_not_empty`.
 */
export function entryWriter(
  policy: MetadataPolicy,
  { replace, isApart }: { readonly replace: boolean; readonly isApart: boolean },
): EntryWriter {
  const run = randomBytes(6).toString('hex');
  let made = 0;
  const temporaryName = () => {
    made += 1;
    return `.holdfast-${run}-${made}`;
  };

  const settle = (parent: FolderHandle, temporary: string, name: string) => {
    const place = rawPath(parent.base + name);
    const there = lstatSync(place, { throwIfNoEntry: false });
    if (there && (!replace || there.isDirectory())) {
      throw alreadyThere(name);
    }
    renameSync(parent.base + temporary, place);
  };

  const create = (parent: FolderHandle, name: string): number => {
    try {
      return openSync(rawPath(parent.base + name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw alreadyThere(name, error);
      throw error;
    }
  };

  const remove = (parent: FolderHandle, name: string) => {
    try {
      unlinkSync(rawPath(parent.base + name));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  };

  /** Runs `make` with a temporary name and gives the result its final one; nothing is left behind otherwise. */
  const place = (parent: FolderHandle, name: string, make: (temporary: string) => void) => {
    const temporary = temporaryName();
    try {
      make(temporary);
      settle(parent, temporary, name);
    } catch (error) {
      remove(parent, temporary);
      throw error;
    }
  };

  return {
    open(parent, name, entry) {
      const made = isApart ? name : temporaryName();
      const fd = create(parent, made);
      const writer = extentWriter(fd, entry);
      return {
        write: writer.write,
        end(wantsIdentity) {
          try {
            writer.end();
            applyToHandle(fd, entry, policy);
            const identity = wantsIdentity ? fstatSync(fd, { bigint: true }) : null;
            if (!isApart) settle(parent, made, name);
            return identity && { dev: identity.dev, ino: identity.ino };
          } catch (error) {
            remove(parent, made);
            throw error;
          } finally {
            closeSync(fd);
          }
        },
        abandon() {
          closeSync(fd);
          remove(parent, made);
        },
      };
    },
    symlink(parent, name, entry) {
      place(parent, name, (temporary) => {
        symlinkSync(entry.linkTarget!, parent.base + temporary);
        applyToName(parent.base + temporary, entry, policy);
      });
    },
    hardLink(root, target, placed, parent, name) {
      const { folder, name: targetName } = splitPath(target);
      const targetFolder = openFolderBeneath(root, folder, true);
      try {
        place(parent, name, (temporary) => {
          linkSync(rawPath(targetFolder.base + targetName), parent.base + temporary);
          const linked = lstatSync(parent.base + temporary, { bigint: true });
          if (linked.ino === placed.ino && linked.dev === placed.dev) return;
          throw new HoldfastError(
            'path_unsafe',
            `${escapePath(Buffer.from(target, 'latin1'))} was swapped after it was restored`,
          );
        });
      } finally {
        closeFolder(targetFolder);
      }
    },
    special(parent, name, entry) {
      place(parent, name, (temporary) => {
        makeSpecialFile(parent, temporary, entry);
        applyToName(parent.base + temporary, entry, policy);
      });
    },
  };
}
