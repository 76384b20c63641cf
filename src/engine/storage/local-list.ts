import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { FileOperations } from './file-operations.ts';
import { TEMPORARY } from './local-folders.ts';
import type { ObjectInfo } from './port.ts';

/** Walks one folder at a time, in bytewise order of the full names. What vanishes meanwhile is left out. */
export async function* listLocal(
  files: FileOperations,
  folder: string,
  prefix: string,
): AsyncGenerator<ObjectInfo> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  yield* walk(files, folder, start, prefix);
}

async function* walk(
  files: FileOperations,
  folder: string,
  below: string,
  prefix: string,
): AsyncGenerator<ObjectInfo> {
  for (const name of await names(files, join(folder, below))) {
    const full = below + name;
    const isFolder = name.endsWith('/');
    const fits = full.startsWith(prefix) || (isFolder && prefix.startsWith(full));
    if (!fits || (below === '' && name === `${TEMPORARY}/`)) continue;
    if (isFolder) {
      yield* walk(files, folder, full, prefix);
      continue;
    }
    const stat = await files.lstat(join(folder, full)).catch(missingAsNull);
    if (stat?.isFile()) yield { name: full, sizeBytes: stat.size, modifiedAtMs: stat.mtimeMs };
  }
}

/** Sorted; folders end in `/`, which sorts them where their content belongs. Links and odd files are left out. */
async function names(files: FileOperations, path: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await files.opendir(path).catch(missingAsNull);
  if (entries === null) return found;
  for await (const entry of entries as AsyncIterable<Dirent>) {
    if (entry.isDirectory()) found.push(`${entry.name}/`);
    else if (entry.isFile()) found.push(entry.name);
  }
  return found.sort();
}

function missingAsNull(error: unknown): null {
  if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
  throw error;
}
