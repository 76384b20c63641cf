import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** No tool here writes into a file of this size again: it is shared between the copies. */
const SHARED_FROM_BYTES = 256 << 10;

/** A second folder like the first that may be pruned: large files are linked, small ones copied with their times. */
export function copyRepository(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyRepository(source, target);
    else if (entry.isFile()) {
      const { size, atime, mtime } = lstatSync(source);
      if (size >= SHARED_FROM_BYTES) linkSync(source, target);
      else {
        copyFileSync(source, target);
        utimesSync(target, atime, mtime);
      }
    }
  }
}

/** Reads every file once, so that no tool meets a cold page cache. */
export function readAll(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) readFileSync(join(entry.parentPath, entry.name));
  }
}
