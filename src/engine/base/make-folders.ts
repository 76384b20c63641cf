import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/**
 * Makes a folder and those above it that are missing, 0700; the result is the topmost one made, or null. Throws the system's error about
 * the one that could not be made: `recursive` of Node tells a read-only place as ENOENT, and never ends in /proc.
 */
export function makeFolders(path: string, mkdir: (path: string) => void = mkdirPrivate): string | null {
  try {
    mkdir(path);
    return path;
  } catch (error) {
    if (isFolder(path)) return null;
    const parent = dirname(path);
    if (systemCode(error) !== 'ENOENT' || parent === path) throw error;
    const made = makeFolders(parent, mkdir);
    mkdirOrThere(path, mkdir);
    return made ?? path;
  }
}

/** Another may have made it meanwhile. */
function mkdirOrThere(path: string, mkdir: (path: string) => void): void {
  try {
    mkdir(path);
  } catch (error) {
    if (!isFolder(path)) throw error;
  }
}

/** ENOTDIR is thrown in spite of the option. */
function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

const mkdirPrivate = (path: string) => mkdirSync(path, { mode: 0o700 });
