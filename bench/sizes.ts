/** Sizes as people read them, and folders as they lie on disk. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const MIB = 1 << 20;
export const GIB = 1 << 30;

/** `1.5 GiB`, `64 MiB`, `0.4 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(1)} GiB`;
  return `${(bytes / MIB).toFixed(bytes >= 10 * MIB ? 0 : 1)} MiB`;
}

/** The sum of the lengths of all files beneath; 0 when there is nothing. Links are not followed. */
export function folderBytes(path: string): number {
  const state = lstatSync(path, { throwIfNoEntry: false });
  if (state === undefined) return 0;
  if (!state.isDirectory()) return state.size;
  return readdirSync(path).reduce((sum, name) => sum + folderBytes(join(path, name)), 0);
}
