import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { recogniseSource, withUniqueNames } from './recognise-source.ts';

test('a source is recognised by what it is, not by its name', async (t) => {
  const folder = await temporaryFolder(t);
  const database = new DatabaseSync(join(folder, 'state.bin'));
  database.exec('create table t(x)');
  database.close();
  await mkdir(join(folder, 'uploads.db'));
  await writeFile(join(folder, 'notes.db'), 'SQLite format 4, or just text');
  await writeFile(join(folder, 'new.sqlite'), '');
  await writeFile(join(folder, 'empty.txt'), '');
  const kinds: [string, string][] = [
    ['state.bin', 'sqlite'],
    ['uploads.db', 'files'],
    ['notes.db', 'files'],
    ['new.sqlite', 'sqlite'],
    ['empty.txt', 'files'],
    ['.', 'files'],
  ];
  for (const [name, kind] of kinds) assert.equal((await recogniseSource(name, folder)).kind, kind, name);
  assert.deepEqual(await recogniseSource('./state.bin', folder), {
    kind: 'sqlite',
    name: 'state.bin',
    path: join(folder, 'state.bin'),
  });
});

test('a PostgreSQL source is named for its database', async () => {
  const names: [string, string][] = [
    ['postgres://app:pw@db:5432/orders', 'orders'],
    ['postgresql:///my%20db?host=/run', 'my_db'],
    ['postgres://db?dbname=x', 'x'],
    ['postgres://db', 'postgres'],
    ['postgres://db/%zz', '_zz'],
  ];
  for (const [address, name] of names) assert.equal((await recogniseSource(address, '/')).name, name);
});

test('what is missing is named, with a neighbour that may have been meant', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'app.db'), '');
  await assert.rejects(recogniseSource('ap.db', folder), {
    code: 'source_missing',
    message: 'ap.db does not exist',
    next: 'check the path; did you mean app.db?',
  });
  await assert.rejects(recogniseSource('app.db/x', folder), { code: 'source_missing' });
  await assert.rejects(recogniseSource('mysql://u:s3cret@h/d', folder), (error: Error) => {
    assert.doesNotMatch(error.message, /s3cret/);
    return true;
  });
});

test('sources of one name get numbers', () => {
  const files = (name: string) => ({ kind: 'files' as const, name, paths: [], exclude: [], optional: false });
  const names = withUniqueNames([files('a'), files('a'), files('a-2'), files('a')]).map(({ name }) => name);
  assert.deepEqual(names, ['a', 'a-2', 'a-2-2', 'a-3']);
});
