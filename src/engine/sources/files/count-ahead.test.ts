import assert from 'node:assert/strict';
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { type CountOptions, countAhead } from './count-ahead.ts';
import { compileExcludes } from './excludes.ts';
import { closeFolder, openFolderAt } from './handles.ts';

/** What comes out, and how often it gave way. */
function counted(options: CountOptions): { bytes: number | null; slices: number } {
  const counting = countAhead(options);
  for (let slices = 0; ; slices += 1) {
    const { done, value } = counting.next();
    if (done) return { bytes: value, slices };
  }
}

test('counts what a backup would read: sizes, several names once, no links, nothing excluded', async (t) => {
  const folder = await temporaryFolder(t);
  const root = openFolderAt(folder);
  t.after(() => closeFolder(root));
  await mkdir(join(folder, 'in', 'deep'), { recursive: true });
  await mkdir(join(folder, 'cache'));
  await writeFile(join(folder, 'a'), 'x'.repeat(1000));
  await writeFile(join(folder, 'in', 'deep', 'b'), 'x'.repeat(200));
  await writeFile(Buffer.concat([Buffer.from(`${folder}/in/`), Buffer.from([0xff, 0xe4])]), 'x'.repeat(30));
  await link(join(folder, 'a'), join(folder, 'in', 'again'));
  await symlink('/etc', join(folder, 'in', 'etc'));
  await writeFile(join(folder, 'holes'), '');
  await truncate(join(folder, 'holes'), 5_000_000);
  await writeFile(join(folder, 'cache', 'c'), 'x'.repeat(7));
  await writeFile(join(folder, 'in', 'd.tmp'), 'x'.repeat(9));
  const plain = { excludes: null, oneFileSystem: false };
  const whole = { root, only: null };
  assert.equal(counted({ ...plain, roots: [whole] }).bytes, 5_001_246);
  const excludes = compileExcludes(['cache/', '*.tmp']);
  assert.equal(counted({ roots: [whole], excludes, oneFileSystem: true }).bytes, 5_001_230);
  const one = { root, only: 'holes' };
  const gone = { root, only: 'gone' };
  assert.equal(counted({ ...plain, roots: [one, gone, whole] }).bytes, 10_001_246);
});

test('a large folder is counted in slices, and its files by a sample; the few of a small one are all looked at', async (t) => {
  const folder = await temporaryFolder(t);
  const root = openFolderAt(folder);
  t.after(() => closeFolder(root));
  for (const name of ['many', 'few']) await mkdir(join(folder, name));
  for (let i = 0; i < 300; i += 1) await writeFile(join(folder, 'many', String(i)), 'x'.repeat(20));
  for (const i of [1, 2, 3, 4]) await writeFile(join(folder, 'few', String(i)), 'x'.repeat(i * 1000));
  const options = { roots: [{ root, only: null }], excludes: null, oneFileSystem: false };
  // 306 entries.
  assert.deepEqual(counted({ ...options, exactFiles: 0 }), { bytes: 16_000, slices: 2 });
  for (let i = 0; i < 300; i += 1) await writeFile(join(folder, 'many', String(i)), 'x'.repeat(i));
  assert.equal(counted({ ...options, exactFiles: 304 }).bytes, 10_000 + (299 * 300) / 2);
  const about = counted({ ...options, exactFiles: 0 }).bytes!;
  // 41 of them are looked at, whichever they are: neither the smallest alone nor the largest.
  assert.ok(about >= 10_000 + 300 * 20 && about <= 10_000 + 300 * 280, String(about));
});
