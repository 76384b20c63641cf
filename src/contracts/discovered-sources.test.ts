import assert from 'node:assert/strict';
import test from 'node:test';
import { configSchema, documentSchemas } from './config.ts';
import { atDatabase, databaseSource, fileSource, labelOfFile, sourceNames } from './discovered-sources.ts';
import { interpolate } from './interpolate.ts';

const HOSTILE = [
  'a b',
  `it's`,
  'line\nbreak',
  'per%cent',
  '${HOME}',
  'que?ry#hash/slash',
  'grün',
  '"quoted"',
  '..',
];

test('an address keeps its login, its references and its parameters with another database', () => {
  const url = 'postgres://backup:${DB_PASSWORD}@db:5433/app?sslmode=require&dbname=old';
  assert.equal(atDatabase(url, 'orders'), 'postgres://backup:${DB_PASSWORD}@db:5433/orders?sslmode=require');
  assert.equal(atDatabase('postgres://db', 'orders'), 'postgres://db/orders');
  assert.equal(atDatabase('${DATABASE_URL}', 'orders'), null);
});

test('what is found is a source as the configuration takes it, whatever its name', () => {
  for (const name of HOSTILE) {
    const servers = [
      { urlEnv: 'DATABASE_URL' },
      { url: '${DATABASE_URL}' },
      { url: 'postgres://u:${P}@db/x' },
    ];
    for (const server of servers) {
      const source = documentSchemas.source.parse(databaseSource(server, name));
      assert.equal(source.kind, 'postgres');
      if (source.kind !== 'postgres' || source.url === undefined || source.database !== undefined) continue;
      const filled = interpolate(source.url, { P: 'p', HOME: '/root' }, true);
      assert.ok('value' in filled);
      const path = /^postgres:\/\/u:p@db\/(.*)$/s.exec(filled.value)?.[1];
      assert.equal(decodeURIComponent(path!), name);
    }
    const file = fileSource(`/srv/$${name}/${name}.db`);
    assert.ok(file.kind === 'sqlite');
    assert.deepEqual(interpolate(file.path, { HOME: '/root' }), { value: `/srv/$${name}/${name}.db` });
  }
});

test('names of sources are ones that the configuration takes, and each is there once', () => {
  const labels = [...HOSTILE, 'orders', 'orders', '..', '', '名前', 'x'.repeat(80), 'x'.repeat(80), '-a-'];
  const names = sourceNames(labels, ['orders', 'a-b']);
  assert.equal(new Set([...names, 'orders', 'a-b']).size, labels.length + 2);
  const sources = Object.fromEntries(names.map((name) => [name, { kind: 'sqlite', path: '/a' }]));
  assert.equal(configSchema.safeParse({ sources }).success, true, names.join(' '));
  assert.deepEqual(sourceNames(['grün', 'orders']), ['grun', 'orders']);
});

test('a file is called after itself, or after its folder as well', () => {
  assert.equal(labelOfFile('/srv/shop/orders.sqlite3'), 'orders');
  assert.equal(labelOfFile('/srv/shop/app.db'), 'shop-app');
  assert.equal(labelOfFile('/app.db'), 'app');
});
