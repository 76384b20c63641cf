import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pauses } from './pause.ts';

/** Throws at the first difference in names, types, sizes, modes, times of change (to a millisecond: not every tool keeps all digits) or content. */
export async function compareTrees(expected: string, actual: string, signal: AbortSignal): Promise<void> {
  const pause = pauses(signal);
  const open = [''];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const difference = differenceOf(join(expected, path), join(actual, path));
    if (difference !== null) throw new Error(`the restored ${join(actual, path)} has another ${difference}`);
    if (lstatSync(join(expected, path)).isDirectory()) {
      for (const name of readdirSync(join(expected, path))) open.push(join(path, name));
    }
    await pause();
  }
}

function differenceOf(expected: string, actual: string): string | null {
  const want = lstatSync(expected);
  const got = lstatSync(actual, { throwIfNoEntry: false });
  if (got === undefined || want.isDirectory() !== got.isDirectory()) return 'type';
  if (want.mode !== got.mode) return 'mode';
  if (want.isDirectory()) {
    const names = (path: string) => readdirSync(path).sort().join('/');
    return names(expected) === names(actual) ? null : 'list of names';
  }
  if (want.size !== got.size) return 'size';
  if (Math.abs(want.mtimeMs - got.mtimeMs) >= 1) return 'time of change';
  return readFileSync(expected).equals(readFileSync(actual)) ? null : 'content';
}
