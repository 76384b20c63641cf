import { type Dir, type Dirent, fstatSync, lstatSync, opendirSync, readlinkSync } from 'node:fs';
import type { Excludes } from './excludes.ts';
import { type FolderHandle, rawPath } from './handles.ts';

export interface CountOptions {
  /** A null `only` counts the whole folder. */
  readonly roots: readonly { readonly root: FolderHandle; readonly only: string | null }[];
  readonly excludes: Excludes | null;
  readonly oneFileSystem: boolean;
  /** Files that are all looked at, 2,048 unless told; of those after them, a sample of every folder. */
  readonly exactFiles?: number;
}

/** Entries between two chances to do something else: well below a millisecond. */
const SLICE_ENTRIES = 128;
/** Paths of folders kept at once: 10 MB or so. A tree with more side by side is not counted. */
const MOST_FOLDERS = 50_000;
const EXACT_FILES = 2048;
/** Large files tend to have few beside them: the first ones of every folder are looked at. */
const EXACT_OF_FOLDER = 4;
/** Asking for the size of a file costs several times what its name costs: of the further ones, one in so many is asked for. */
const SAMPLE_EVERY = 8;

/**
 * Counts the bytes that a backup of these roots is going to read, for a percentage that the first backup could not show otherwise.
 * Gives way after every slice; ends with about how many there are, or null when nobody can know cheaply. Opens no file and
 * holds no list of them. Follows no handle, which costs as much again: what a racing process leads it to is only counted. Never throws.
 */
export function* countAhead(options: CountOptions): Generator<undefined, number | null> {
  const { roots, excludes, oneFileSystem, exactFiles = EXACT_FILES } = options;
  let bytes = 0;
  let entries = 0;
  let exact = 0;
  for (const { root, only } of roots) {
    const base = pathOf(root);
    if (only !== null) {
      bytes += lookAt(base + only)?.bytes ?? 0;
      continue;
    }
    const device = oneFileSystem ? deviceOf(root) : null;
    const folders = [''];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const listing = openListing(base + folder);
      const sizes = folderSizes();
      try {
        for (let entry = nextOf(listing); entry !== null; entry = nextOf(listing)) {
          entries += 1;
          if (entries % SLICE_ENTRIES === 0) yield;
          const isFolder = entry.isDirectory();
          if (!isFolder && !entry.isFile()) continue;
          const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
          if (excludes?.(path, isFolder)) continue;
          if (!isFolder) sizes.file(base + path, exact++ < exactFiles);
          else if (device === null || lookAt(base + path)?.device === device) folders.push(path);
          if (folders.length > MOST_FOLDERS) return null;
        }
      } finally {
        listing?.closeSync();
      }
      bytes += sizes.total();
    }
  }
  return Math.round(bytes);
}

/** The sizes of the files of one folder, most of them taken to be like those that were looked at. */
function folderSizes() {
  let seen = 0;
  let bytes = 0;
  const sample = { files: 0, looked: 0, bytes: 0 };
  return {
    file(path: string, isExact: boolean) {
      seen += 1;
      if (isExact || seen <= EXACT_OF_FOLDER) {
        bytes += lookAt(path)?.bytes ?? 0;
        return;
      }
      sample.files += 1;
      if (sample.files % SAMPLE_EVERY !== 1) return;
      sample.looked += 1;
      sample.bytes += lookAt(path)?.bytes ?? 0;
    },
    total: () => bytes + (sample.bytes * sample.files) / Math.max(1, sample.looked),
  };
}

/** Where the folder of a handle lies now. Ends with a slash. */
function pathOf({ base }: FolderHandle): string {
  try {
    return `${readlinkSync(rawPath(base.slice(0, -1)), { encoding: 'latin1' })}/`;
  } catch {
    return base;
  }
}

function openListing(path: string): Dir | null {
  try {
    // A few entries at a time, however many there are.
    return opendirSync(rawPath(path), { encoding: 'latin1', bufferSize: 256 });
  } catch {
    return null;
  }
}

function nextOf(listing: Dir | null): Dirent | null {
  try {
    return listing?.readSync() ?? null;
  } catch {
    return null;
  }
}

/** Null for what is gone or may not be looked at: whoever backs it up says so. */
function lookAt(path: string): { bytes: number; device: number } | null {
  try {
    const { dev, size, nlink } = lstatSync(rawPath(path));
    // A file with several names is read once. Where the others are is not known, so that each counts for its part.
    return { bytes: size / nlink, device: dev };
  } catch {
    return null;
  }
}

function deviceOf(root: FolderHandle): number | null {
  try {
    return fstatSync(root.fd).dev;
  } catch {
    return null;
  }
}
