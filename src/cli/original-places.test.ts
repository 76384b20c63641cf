import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import type { ArtifactDetails, BackupDetails } from './engine-door.ts';
import { originalPlaces } from './original-places.ts';

const artifact = (source: string, name: string, kind: string): ArtifactDetails => ({
  ...{ source, name, kind, form: kind === 'tree' ? 'tree' : 'stream', sizeBytes: 1, sha256: '', facts: {} },
});

const BACKUP = {
  id: '0193a000',
  artifacts: [
    artifact('orders', 'public.a.csv', 'pg-csv'),
    artifact('orders', 'public.b.csv', 'pg-csv'),
    artifact('orders', 'schema.json', 'json'),
    artifact('invoices', 'db.dump', 'pg-dump'),
    artifact('invoices', 'globals.sql', 'pg-globals'),
    artifact('data', 'uploads', 'tree'),
    artifact('data', 'keys', 'tree'),
    artifact('volume', 'v.tar', 'command'),
  ],
} as unknown as BackupDetails;

test('each part goes back to its own place; an export goes back as a whole, or one table by name', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `sources:
  orders: { kind: postgres, url: postgres://db/orders }
  invoices: { kind: postgres, url: postgres://db/invoices, globals: true }
  data: { kind: files, paths: [up, keys] }
  volume: { kind: command, command: dump, artifactName: v.tar }
`,
  );
  const io = fakeIo({ folder });
  const places = async (item: string | null) =>
    (await originalPlaces(fakeCli(io), BACKUP, item)).map((request) => [request.item, request.target]);
  assert.deepEqual(await places(null), [
    ['orders', 'postgres://db/orders'],
    ['db.dump', 'postgres://db/invoices'],
    ['uploads', join(folder, 'up')],
    ['keys', join(folder, 'keys')],
  ]);
  assert.match(io.written.stderr, /left out: globals\.sql [\s\S]*left out: v\.tar/);
  assert.deepEqual(await places('public.b.csv'), [['public.b.csv', 'postgres://db/orders']]);
  assert.deepEqual(await places('keys'), [['keys', join(folder, 'keys')]]);
  await assert.rejects(places('nope'), { code: 'item_unknown' });
});

test('what lies beside a database never goes where it is, and one tenant not over all of them', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `sources:
  app: { kind: sqlite, path: app.db, extracts: { x.csv: { query: select 1 } } }
  main: { kind: postgres, url: postgres://db/main, tables: [log] }
  acme: { kind: postgres, url: postgres://db/main, tenant: { id: acme } }
`,
  );
  const backup = {
    id: '0193a000',
    artifacts: [
      artifact('app', 'x.csv', 'extract-csv'),
      artifact('app', 'app.db', 'sqlite'),
      artifact('main', 'db.dump', 'pg-dump'),
      artifact('main', 'tables/log.ndjson', 'table-ndjson'),
      artifact('acme', 'public.a.csv', 'pg-csv'),
      artifact('acme', 'schema.json', 'json'),
    ],
  } as unknown as BackupDetails;
  const places = await originalPlaces(fakeCli(fakeIo({ folder })), backup, null);
  assert.deepEqual(
    places.map(({ item, target }) => [item, target]),
    [
      ['app.db', join(folder, 'app.db')],
      ['db.dump', 'postgres://db/main'],
    ],
  );
});
