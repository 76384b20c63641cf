import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Throws at the first difference in names, types, sizes, modes, times of change (whole milliseconds) or content. */
export async function compareTrees(expected: string, actual: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const [want, got] = await Promise.all([lstat(expected), lstat(actual)]);
  const differs = (what: string) => new Error(`the restored ${actual} differs from ${expected}: ${what}`);
  if (want.isDirectory() !== got.isDirectory()) throw differs('type');
  if (want.mode !== got.mode) throw differs('mode');
  if (!want.isDirectory()) {
    if (want.size !== got.size) throw differs('size');
    if (Math.floor(want.mtimeMs) !== Math.floor(got.mtimeMs)) throw differs('time of change');
    const [wanted, found] = await Promise.all([readFile(expected), readFile(actual)]);
    if (!wanted.equals(found)) throw differs('content');
    return;
  }
  const [names, found] = await Promise.all([readdir(expected), readdir(actual)]);
  if (names.sort().join('/') !== found.sort().join('/')) throw differs('names');
  for (const name of names) await compareTrees(join(expected, name), join(actual, name), signal);
}
