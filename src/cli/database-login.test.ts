import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { passwordIn, withPassword } from './database-login.ts';
import { processIo } from './process-io.ts';

const LOGIN = { host: 'db', port: 5432, database: 'orders', user: 'app' };

test('a password file is read as libpq reads it', () => {
  const cases: [string, string | null][] = [
    ['db:5432:orders:app:secret', 'secret'],
    ['*:*:*:app:any', 'any'],
    ['# db:5432:orders:app:no\r\ndb:5432:orders:app:second\r\n', 'second'],
    ['db:5432:other:app:no\ndb:*:*:*:first\ndb:*:*:*:later', 'first'],
    ['db:5432:orders:app:with\\:colon\\\\:and more', 'with:colon\\:and more'],
    ['db:5433:*:*:no\ndb:5432:orders', null],
    ['', null],
  ];
  for (const [text, password] of cases) assert.equal(passwordIn(text, LOGIN), password, text);
  const socket = { ...LOGIN, host: '/var/run/postgresql' };
  assert.equal(passwordIn('localhost:*:*:*:local', socket), 'local');
  assert.equal(passwordIn('localhost:*:*:*:local', { ...LOGIN, host: '/srv/sockets' }), null);
});

test('an address without a password gets that of PGPASSWORD, else of the password file', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, '.pgpass');
  await writeFile(file, 'db:*:*:app:from/file', { mode: 0o600 });
  const notes: string[] = [];
  const login = (url: string, environment = {}) =>
    withPassword(
      {
        io: { ...processIo(), environment, folder, userFolder: folder },
        note: (text) => void notes.push(text),
      },
      url,
    );
  assert.equal(await login('postgres://app@db/orders'), 'postgres://app:from%2Ffile@db/orders');
  assert.equal(await login('postgres://app:own@db/orders'), 'postgres://app:own@db/orders');
  assert.equal(
    await login('postgres://db/orders?user=app', { PGPASSWORD: 'p@w' }),
    'postgres://app:p%40w@db/orders?user=app',
  );
  assert.equal(await login('postgres://app@elsewhere/orders'), 'postgres://app@elsewhere/orders');
  const environment = { PGPASSFILE: 'none' };
  assert.equal(await login('postgres://app@db/orders', environment), 'postgres://app@db/orders');
  assert.deepEqual(notes, []);
  await chmod(file, 0o640);
  assert.equal(await login('postgres://app@db/orders'), 'postgres://app@db/orders');
  assert.match(notes.join(), /\.pgpass is not used: others can read it/);
});
