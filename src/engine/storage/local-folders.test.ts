import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { systemFiles } from './file-operations.ts';
import { durableFolders, makeFolders } from './local-folders.ts';

const missing = () => Object.assign(new Error('no such file or directory'), { code: 'ENOENT' });

test('a place where nothing can be made is given up', async (t) => {
  const folder = await temporaryFolder(t);
  let calls = 0;
  const mkdir = async (path: string) => {
    calls += 1;
    if (calls > 50) throw new Error('tried for ever');
    if (path.startsWith(join(folder, 'mount/'))) throw missing();
    return systemFiles.mkdir(path);
  };
  await assert.rejects(
    makeFolders({ ...systemFiles, mkdir }, join(folder, 'mount/a/b'), durableFolders(folder)),
    {
      code: 'storage_io',
    },
  );
  assert.deepEqual(await readdir(join(folder, 'mount')), []);
});

test('a parent that somebody removed meanwhile is made again', async (t) => {
  const folder = await temporaryFolder(t);
  let failures = 1;
  const mkdir = async (path: string) => {
    if (path.endsWith('a/b') && failures-- > 0) throw missing();
    return systemFiles.mkdir(path);
  };
  await makeFolders({ ...systemFiles, mkdir }, join(folder, 'a/b'), durableFolders(folder));
  assert.deepEqual(await readdir(folder, { recursive: true }), ['a', join('a', 'b')]);
});
