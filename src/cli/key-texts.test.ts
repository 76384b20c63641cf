import assert from 'node:assert/strict';
import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { generatedKeyFile, readKeyTexts, splitKeys, writeKeyFile } from './key-texts.ts';
import type { Destination } from './settings.ts';

const destinationIn = (folder: string, keys: Destination['keys'] = null): Destination => ({
  name: null,
  address: folder,
  layout: 'repository',
  keys,
  region: null,
  login: {},
  chosenBy: 'default',
  minimumFreeBytes: null,
  differences: null,
  folder,
});

test('several old keys: one a line, or divided by commas; a passphrase with a comma is also tried whole', () => {
  assert.deepEqual(splitKeys(''), []);
  assert.deepEqual(splitKeys('one\n\n two \r\n'), ['one', 'two']);
  assert.deepEqual(splitKeys('hfk1-a, hfk1-b'), ['hfk1-a', 'hfk1-b']);
  assert.deepEqual(splitKeys('salt, pepper'), ['salt, pepper', 'salt', 'pepper']);
});

test('the environment wins over the generated key, the configuration over both', async (t) => {
  const folder = await temporaryFolder(t);
  const at = (environment: Record<string, string>) =>
    fakeCli(fakeIo({ folder, environment: { HOLDFAST_HOME: folder, ...environment } }));
  assert.deepEqual(await readKeyTexts(at({}), destinationIn(folder)), { current: null, old: [] });
  await writeKeyFile(generatedKeyFile(at({})), 'generated');
  assert.equal((await readKeyTexts(at({}), destinationIn(folder))).current, 'generated');
  assert.equal(
    (await readKeyTexts(at({ BACKUP_ENCRYPTION_KEY: 'env' }), destinationIn(folder))).current,
    'env',
  );

  await writeKeyFile(join(folder, 'k'), 'from file');
  const keys = { current: { file: 'k' }, old: [{ env: 'OLDER' }] };
  const cli = at({ BACKUP_ENCRYPTION_KEY: 'env', OLDER: 'older', BACKUP_ENCRYPTION_KEY_OLD: 'old\nolder' });
  assert.deepEqual(await readKeyTexts(cli, destinationIn(folder, keys)), {
    current: 'from file',
    old: ['older', 'old'],
  });
});

test('what is named and missing is an error that names it, never a generated key instead', async (t) => {
  const folder = await temporaryFolder(t);
  const read = (environment: Record<string, string>, keys: Destination['keys'] = null) =>
    readKeyTexts(
      fakeCli(fakeIo({ folder, environment: { HOLDFAST_HOME: folder, ...environment } })),
      destinationIn(folder, keys),
    );
  await assert.rejects(read({ BACKUP_ENCRYPTION_KEY_FILE: 'nope' }), {
    code: 'key_missing',
    message: /nope does not exist/,
  });
  await assert.rejects(read({}, { current: { env: 'UNSET' } }), { code: 'key_missing', message: /UNSET/ });
  await assert.rejects(read({ BACKUP_ENCRYPTION_KEY: 'a', BACKUP_ENCRYPTION_KEY_FILE: 'b' }), {
    code: 'usage',
  });
  await writeFile(join(folder, 'empty'), '\n', { mode: 0o600 });
  await assert.rejects(read({ BACKUP_ENCRYPTION_KEY_FILE: 'empty' }), {
    code: 'key_missing',
    message: /empty/,
  });
});

test('a key file is private, never overwritten, and warned about when it is not private', async (t) => {
  const folder = await temporaryFolder(t);
  const io = fakeIo({ folder, environment: { HOLDFAST_HOME: join(folder, 'home') } });
  const file = generatedKeyFile(fakeCli(io));
  await writeKeyFile(file, 'secret text');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 'home'))).mode & 0o777, 0o700);
  await assert.rejects(writeKeyFile(file, 'other'), { code: 'usage', message: /is there already/ });
  await readKeyTexts(fakeCli(io), destinationIn(folder));
  assert.equal(io.written.stderr, '');
  await chmod(file, 0o640);
  await readKeyTexts(fakeCli(io), destinationIn(folder));
  await readKeyTexts(fakeCli(io), destinationIn(folder));
  assert.match(io.written.stderr, /^warning: the key file .* can be read by others.*\n$/, 'said once');
  assert.doesNotMatch(io.written.stderr, /secret text/);
});

test('a key file that is not there is blamed on what names it', async (t) => {
  const folder = await temporaryFolder(t);
  const next = async (environment: Record<string, string>, keys: Destination['keys'] = null) => {
    const cli = fakeCli(fakeIo({ folder, environment: { HOLDFAST_HOME: folder, ...environment } }));
    const error = await readKeyTexts(cli, destinationIn(folder, keys)).catch((thrown: unknown) => thrown);
    return (error as { next?: string }).next;
  };
  const file = join(folder, 'gone');
  assert.match(
    (await next({ BACKUP_ENCRYPTION_KEY_FILE: file })) ?? '',
    /^check BACKUP_ENCRYPTION_KEY_FILE,/,
  );
  const old = { BACKUP_ENCRYPTION_KEY: 'key', BACKUP_ENCRYPTION_KEY_OLD_FILE: file };
  assert.match((await next(old)) ?? '', /^check BACKUP_ENCRYPTION_KEY_OLD_FILE,/);
  assert.match((await next({}, { current: { file }, old: [] })) ?? '', /^check the keys of the destination,/);
});
