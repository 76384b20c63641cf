import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Clock } from '../../src/engine/base/clock.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { clockedStorage } from './clocked-storage.ts';

/** What a frozen repository must show. Absent lists are empty. */
export interface Exhibit {
  readonly folder: string;
  readonly defect: string;
  /** Opening ends with this code, and its message has this in it. */
  readonly refused?: { readonly code: string; readonly names: string };
  readonly findings?: readonly { readonly code: string; readonly names: string }[];
  readonly damaged?: readonly string[];
  readonly rejected?: readonly string[];
  /** Ids of backups of which something is lost. */
  readonly affected?: readonly string[];
  readonly unlistedPacks?: number;
  /** Pruning ends with this code. */
  readonly pruneRefused?: string;
}

export interface Museum {
  readonly keyText: string;
  readonly backups: readonly {
    readonly id: string;
    readonly state: 'backups' | 'archived';
    /** SHA-256 of every stream, and of every file of a tree. */
    readonly streams: { readonly [name: string]: string };
    readonly trees: { readonly [name: string]: { readonly [path: string]: string } };
  }[];
  readonly exhibits: readonly Exhibit[];
}

/** Loads a frozen repository into memory, so that no test can thaw it. The storage's clock is the given one. */
export async function frozenStorage(folder: string, clock: Clock): Promise<Storage> {
  const storage = clockedStorage(memoryStorage(), clock);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    await storage.put(relative(folder, file).replaceAll('\\', '/'), await readFile(file));
  }
  return storage;
}
