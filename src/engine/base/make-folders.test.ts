import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { makeFolders } from './make-folders.ts';

test('missing folders are made private, and the topmost one is told', async (t) => {
  const folder = await temporaryFolder(t);
  assert.equal(makeFolders(join(folder, 'a/b/c')), join(folder, 'a'));
  assert.equal(statSync(join(folder, 'a/b/c')).mode & 0o777, 0o700);
  assert.equal(makeFolders(join(folder, 'a/b')), null);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => makeFolders(join(folder, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeFolders(join(folder, 'file/x/y')), { code: 'ENOTDIR' });
});

test('the cause that the system gives is the one told, and a place that makes nothing is no endless one', async (t) => {
  const folder = await temporaryFolder(t);
  const refusing = (code: string) => (path: string) => {
    if (join(path, '..') !== folder) return mkdirSync(path);
    throw Object.assign(new Error(code), { code });
  };
  assert.throws(() => makeFolders(join(folder, 'a/b'), refusing('EROFS')), { code: 'EROFS' });
  assert.throws(() => makeFolders(join(folder, 'a/b'), refusing('ENOENT')), { code: 'ENOENT' });
});
