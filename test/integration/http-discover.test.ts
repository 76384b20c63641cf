/** Looking around by the API: who may, what is vetted, and that no secret comes back. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { HttpClient } from '../support/http-client.ts';
import { httpWorld, OWNER, person } from '../support/http-world.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

const PATH = '/api/v1/sources/discover';
const SECRET = 'nobody reads this';

let cluster: Cluster;
before(async () => {
  cluster = await startCluster({ auth: 'scram', tcp: true });
  await cluster.psql(`create role app login password '${SECRET}'`);
  for (const name of ['orders', 'line\nbreak', 'hidden']) await cluster.createDatabase(name);
  await cluster.psql('revoke connect on database hidden from public');
});
after(() => cluster?.stop());

interface Item {
  readonly label: string;
  readonly name: string | null;
  readonly body: Record<string, unknown> | null;
  readonly problem: string | null;
  readonly stored_as: string | null;
}

async function items(client: HttpClient, body: unknown): Promise<Map<string, Item>> {
  const answer = await client.post(PATH, body);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!answer.text.includes(SECRET) && !answer.text.includes(encodeURIComponent(SECRET)));
  assert.deepEqual(answer.json.limits, []);
  return new Map(answer.json.items.map((item: Item) => [item.label, item]));
}

test('databases of a server are found by a variable of it, and stored as they come', async (t) => {
  const at = `127.0.0.1:${cluster.port}`;
  const DATABASE_URL = `postgres://app:${encodeURIComponent(SECRET)}@${at}/orders`;
  const world = await httpWorld(t, { environment: { DATABASE_URL, DB_PASSWORD: SECRET } });
  const owner = await world.owner();
  const found = await items(owner, { kind: 'postgres', urlEnv: 'DATABASE_URL' });
  assert.deepEqual([...found.keys()].sort(), ['hidden', 'line\nbreak', 'orders', 'postgres']);
  assert.deepEqual(found.get('orders')!.body, { kind: 'postgres', urlEnv: 'DATABASE_URL' });
  const other = found.get('line\nbreak')!;
  assert.deepEqual(other.body, { kind: 'postgres', urlEnv: 'DATABASE_URL', database: 'line\nbreak' });
  assert.equal(other.name, 'line-break');
  const hidden = found.get('hidden')!;
  assert.deepEqual([hidden.name, hidden.body, hidden.stored_as], [null, null, null]);
  assert.equal(hidden.problem, 'this login may not connect to it');
  for (const { name, body } of [found.get('orders')!, other]) {
    assert.equal((await owner.post('/api/v1/sources', { name, body })).status, 201);
  }
  const again = await items(owner, { kind: 'postgres', urlEnv: 'DATABASE_URL' });
  assert.equal(again.get('orders')!.stored_as, 'orders');
  assert.equal(again.get('line\nbreak')!.stored_as, 'line-break');
  assert.equal(again.get('postgres')!.stored_as, null);
  assert.equal(again.get('orders')!.name, 'orders-2', 'a name that is free');
  assert.ok(!world.log.join('').includes(SECRET));
});

test('a host that a request names is vetted; the server keeps its own variables to itself', async (t) => {
  const url = `postgres://app:\${DB_PASSWORD}@127.0.0.1:${cluster.port}/orders`;
  const closed = await httpWorld(t, { environment: { DB_PASSWORD: SECRET, HOST: '127.0.0.1' } });
  const owner = await closed.owner();
  const refused: readonly [Record<string, unknown>, string][] = [
    [{ kind: 'postgres', url }, 'address_refused'],
    [{ kind: 'postgres', url: `postgres://app@localhost:${cluster.port}/orders` }, 'address_refused'],
    [
      { kind: 'postgres', url: `postgres://app@/orders?host=127.0.0.1&port=${cluster.port}` },
      'address_refused',
    ],
    [{ kind: 'postgres', url: `postgres://app@\${HOST}:${cluster.port}/orders` }, 'address_refused'],
    [
      { kind: 'postgres', url: `postgres://app@${encodeURIComponent(cluster.socketFolder)}/o` },
      'address_refused',
    ],
    [{ kind: 'postgres', url: 'postgres://app@169.254.169.254/o' }, 'address_refused'],
    [{ kind: 'postgres', url: 'postgres://a:${BACKUP_ENCRYPTION_KEY}@192.0.2.1/x' }, 'config_invalid'],
    [{ kind: 'postgres', urlEnv: 'BACKUP_ENCRYPTION_KEY' }, 'config_invalid'],
    [{ kind: 'postgres', urlEnv: 'NOT_SET' }, 'config_invalid'],
    [{ kind: 'postgres', url: `postgres://app:${SECRET}@127.0.0.1/x` }, 'request_invalid'],
    [{ kind: 'postgres', url, urlEnv: 'DATABASE_URL' }, 'request_invalid'],
    [{ kind: 'postgres' }, 'request_invalid'],
    [{ kind: 'command', command: 'id' }, 'request_invalid'],
    [{ kind: 'sqlite', path: '${BACKUP_ENCRYPTION_KEY}' }, 'config_invalid'],
    [{ kind: 'sqlite', path: join(closed.folder, 'nothing here') }, 'source_missing'],
  ];
  for (const [body, code] of refused) {
    const { status, json, text, headers } = await owner.post(PATH, body);
    assert.equal(json.code, code, `${JSON.stringify(body)}: ${text}`);
    assert.ok(status >= 400 && status < 500, `${status} for what was sent: ${text}`);
    assert.match(String(headers['content-type']), /problem\+json/);
    assert.ok(!text.includes(SECRET) && !text.includes(closed.keyText), text);
  }
  const open = await httpWorld(t, {
    environment: { DB_PASSWORD: SECRET, HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1,localhost' },
  });
  const byName = { kind: 'postgres', url: url.replace('127.0.0.1', 'localhost') };
  assert.ok((await items(await open.owner(), byName)).has('orders'), 'by the addresses that were vetted');
  const again = open.client();
  assert.equal((await again.post('/api/v1/session', OWNER)).status, 201);
  const found = await items(again, { kind: 'postgres', url });
  assert.deepEqual(found.get('line\nbreak')!.body, {
    ...{ kind: 'postgres', url: url.replace('/orders', '/line%0Abreak') },
  });
});

test('SQLite files below a folder are found, the catalog that is open among them, and only by who stores sources', async (t) => {
  const world = await httpWorld(t, { environment: { SHOP: 'shop' } });
  const owner = await world.owner();
  await world.withPlan(owner);
  mkdirSync(join(world.folder, 'shop'));
  for (const name of ['app.db', '${SHOP}\n.db']) {
    const database = new DatabaseSync(join(world.folder, 'shop', name));
    database.exec('create table t (a)');
    database.close();
  }
  const found = await items(owner, { kind: 'sqlite', path: world.folder });
  assert.equal(found.get(join(world.folder, 'app.db'))!.stored_as, 'app');
  assert.equal(found.get(join(world.folder, 'shop', 'app.db'))!.name, 'shop-app');
  const odd = found.get(join(world.folder, 'shop', '${SHOP}\n.db'))!;
  assert.deepEqual(odd.body, { kind: 'sqlite', path: join(world.folder, 'shop', '$${SHOP}\n.db') });
  assert.ok(found.has(join(world.folder, 'home', 'catalog.db')));
  assert.equal((await owner.get('/api/v1/sources')).status, 200, 'the catalog is as it was');
  const below = await items(owner, { kind: 'sqlite', path: '${SHOP}' });
  assert.equal(below.size, 2, 'relative to the folder of the server, with its variables');

  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  const strangers = [
    await person(world, owner, 'acme@example.org', null, { acme: 'admin' }),
    await person(world, owner, 'operator@example.org', 'operator'),
    await person(world, owner, 'viewer@example.org', 'viewer'),
  ];
  for (const body of [
    { kind: 'sqlite', path: world.folder },
    { kind: 'postgres', urlEnv: 'SHOP' },
  ]) {
    for (const stranger of strangers) {
      const { status, json } = await stranger.post(PATH, body);
      assert.deepEqual([status, json.code, json.items], [403, 'not_permitted', undefined]);
    }
    assert.equal((await world.client().post(PATH, body)).status, 401);
  }
  const admin = await person(world, owner, 'admin@example.org', 'admin');
  assert.ok((await items(admin, { kind: 'sqlite', path: world.folder })).size >= 4);
  const record = world.records.findLast(({ action }) => action === `POST ${PATH}`)!;
  assert.equal(record.status, 200, 'who looked around is recorded');
});
