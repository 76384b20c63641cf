import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { findTools, requireTools } from './tools.ts';

async function fakeTools(folder: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'pg_dump');
  await writeFile(path, `#!/bin/sh\necho "pg_dump (PostgreSQL) ${version}"\n`);
  await chmod(path, 0o755);
  return folder;
}

test('prefers the server’s own version, then the nearest newer one, never an older one', async (t) => {
  const root = await temporaryFolder(t);
  const folders = await Promise.all(
    ['90.1', '92.3', '91.0 (Debian 91.0-1)', '91.7'].map((version, i) =>
      fakeTools(join(root, `${i}`), version),
    ),
  );
  assert.deepEqual(await findTools(91, folders), { folder: folders[2], major: 91, version: '91.0' });
  assert.equal((await findTools(92, folders))?.folder, folders[1]);
  const without91 = [folders[0]!, folders[1]!];
  assert.equal((await findTools(91, without91))?.major, 92);
  assert.equal(await findTools(93, folders), null);
});

test('looks into bin and into the given PATH, and passes by Debian’s wrapper and broken tools', async (t) => {
  const root = await temporaryFolder(t);
  await fakeTools(join(root, 'named/bin'), '95.1');
  assert.equal((await findTools(95, [join(root, 'named')]))?.folder, join(root, 'named/bin'));
  const onPath = await fakeTools(join(root, 'path'), '96.0');
  assert.equal((await findTools(96, [], `relative:${onPath}`))?.folder, onPath);
  const wrapper = join(await fakeTools(join(root, 'perl'), '97.0'), 'pg_dump');
  await mkdir(join(root, 'wrapped'));
  await writeFile(join(root, 'pg_wrapper'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 97.0"\n', { mode: 0o755 });
  await symlink(join(root, 'pg_wrapper'), join(root, 'wrapped/pg_dump'));
  assert.equal(await findTools(97, [join(root, 'wrapped')]), null);
  await writeFile(wrapper, '#!/bin/sh\nexit 1\n');
  assert.equal(await findTools(97, [join(root, 'perl')]), null);
});

test('names the package to install', async () => {
  await assert.rejects(requireTools(99), (error: Error & { code?: string; next?: string }) => {
    assert.equal(error.code, 'tool_missing');
    assert.match(error.next ?? '', /postgresql-client-99/);
    return true;
  });
});
