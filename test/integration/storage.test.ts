import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemCode } from '../../src/engine/base/errors.ts';
import { type FileOperations, systemFiles } from '../../src/engine/storage/file-operations.ts';
import { openLocalStorage } from '../../src/engine/storage/local-storage.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { storageConformance } from '../conformance/storage.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

storageConformance('memory', async () => memoryStorage());
storageConformance('local', async (t) =>
  openLocalStorage({ folder: join(await temporaryFolder(t), 'store') }),
);

test('files are 0600 and folders 0700, whatever the umask', async (t) => {
  const folder = join(await temporaryFolder(t), 'store');
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const storage = await openLocalStorage({ folder });
  await storage.put('a/b/c', Buffer.from('x'));
  const modes = await Promise.all(['', 'a', 'a/b', 'a/b/c'].map((path) => stat(join(folder, path))));
  assert.deepEqual(
    modes.map(({ mode }) => (mode & 0o777).toString(8)),
    ['700', '700', '700', '600'],
  );
});

test('a link inside the folder leads nowhere', async (t) => {
  const base = await temporaryFolder(t);
  const folder = join(base, 'store');
  await mkdir(join(base, 'outside'));
  await writeFile(join(base, 'outside/secret'), 'outside');
  const storage = await openLocalStorage({ folder });
  await storage.put('real', Buffer.from('x'));
  await symlink(join(base, 'outside'), join(folder, 'linked'));
  await symlink(join(base, 'outside/secret'), join(folder, 'file'));
  await assert.rejects(storage.get('linked/secret'), { code: 'storage_io' });
  await assert.rejects(storage.put('linked/new', Buffer.from('x')), { code: 'storage_io' });
  await assert.rejects(storage.get('file'));
  assert.deepEqual(await readdir(join(base, 'outside')), ['secret']);
});

/** Fails the n-th call with a system error, or writes short; counts calls. */
function faulty(failAt: number, code: string): FileOperations & { calls(): number } {
  let calls = 0;
  const watch =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls += 1;
      if (calls === failAt) throw Object.assign(new Error(`${code}: injected`), { code });
      return work(...args);
    };
  return {
    ...systemFiles,
    open: watch(systemFiles.open) as typeof systemFiles.open,
    write: watch((file, bytes) => systemFiles.write(file, bytes.subarray(0, Math.ceil(bytes.length / 2)))),
    sync: watch(systemFiles.sync),
    link: watch(systemFiles.link),
    mkdir: watch(systemFiles.mkdir),
    calls: () => calls,
  };
}

/** What a failing put may leave: nothing of that name, or the whole object, and never a success without it. */
async function putWithFault(folder: string, failAt: number, code: string): Promise<'created' | 'failed'> {
  const content = Buffer.alloc(70_000, 'content');
  const storage = await openLocalStorage({ folder, fileSystem: faulty(failAt, code) });
  const outcome = await storage.put('deep/folder/object', content).then(
    () => 'created' as const,
    (error: unknown) => {
      const wanted = { ENOSPC: 'storage_full', EDQUOT: 'storage_full', EIO: 'storage_io' }[code];
      assert.equal(systemCode(error), wanted);
      return 'failed' as const;
    },
  );
  const path = join(folder, 'deep/folder/object');
  const there = await readFile(path).catch(() => null);
  if (outcome === 'created' || there !== null)
    assert.ok(there?.equals(content), `call ${failAt}: half an object`);
  return outcome;
}

test('a full disk or a failing one at any call is never a success, and the next put succeeds', async (t) => {
  const base = await temporaryFolder(t);
  let trials = 0;
  for (const code of ['ENOSPC', 'EIO', 'EDQUOT']) {
    for (let failAt = 1; ; failAt += 1) {
      const folder = join(base, `${code}-${failAt}`);
      const outcome = await putWithFault(folder, failAt, code);
      trials += 1;
      const storage: Storage = await openLocalStorage({ folder });
      await storage.put('deep/folder/object', Buffer.alloc(70_000, 'content'));
      assert.equal((await storage.get('deep/folder/object')).length, 70_000);
      assert.deepEqual(await readdir(join(folder, '.tmp')), []);
      if (outcome === 'created') break;
    }
  }
  assert.ok(trials > 30, `${trials} trials`);
});

test('negative control: a put that ignores a failing write is caught', async (t) => {
  const folder = join(await temporaryFolder(t), 'store');
  const careless: FileOperations = {
    ...systemFiles,
    write: async (file, bytes) => {
      await systemFiles.write(file, bytes.subarray(0, 100));
      return bytes.length;
    },
  };
  const storage = await openLocalStorage({ folder, fileSystem: careless });
  const content = Buffer.alloc(70_000, 'content');
  assert.equal(await storage.put('object', content), 'created');
  assert.ok(!(await storage.get('object')).equals(content), 'the harness sees that bytes are missing');
});

test('a folder that may not be written is named as such', {
  skip: process.getuid?.() === 0 ? 'root may write anywhere' : false,
}, async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o500);
  const storage = await openLocalStorage({ folder });
  await assert.rejects(storage.put('object', Buffer.from('x')), { code: 'storage_denied' });
});
