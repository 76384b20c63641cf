/** A database that 50 tenants share in 40 tables: one is put back, and the rows of every other stay what they are while they keep writing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { postgresSource, readTenantExport, restoreTenant } from '../../src/engine/sources/postgres/index.ts';
import { count } from '../support/counts.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TENANTS = count(6, 50);
const TABLES = count(8, 40);
const ROWS = count(10, 100);

const tables = Array.from({ length: TABLES }, (_, i) => `t${i + 1}`);
const nameOf = (tenant: number) => `tenant ${tenant}`;

/** Every other table says the tenant itself, the rest by a foreign key to the table before. */
const hasColumn = (table: string) => Number(table.slice(1)) % 2 === 1;

const SCHEMA = tables
  .map((table, i) =>
    hasColumn(table)
      ? `create table ${table} (id serial primary key, tenant_id text not null, note text, live boolean default false); create index on ${table} (tenant_id);`
      : `create table ${table} (id serial primary key, parent int not null references t${i}, note text, live boolean default false);`,
  )
  .join('\n');

const FILL = tables
  .map((table, i) =>
    hasColumn(table)
      ? `insert into ${table} (tenant_id, note) select 'tenant ' || n, md5(n || '${table}' || g) from generate_series(1, ${TENANTS}) n, generate_series(1, ${ROWS}) g;`
      : `insert into ${table} (parent, note) select id, md5(note) from t${i};`,
  )
  .join('\n');

/** Tenant and digest, row by row; what is written meanwhile is marked. */
const PRINTS = `select string_agg(tenant || ' ' || print, E'\\n' order by tenant) from (select tenant, md5(string_agg(r, '|' order by r)) as print from (
  ${tables
    .map((table, i) =>
      hasColumn(table)
        ? `select tenant_id as tenant, '${table}' || t::text as r from ${table} t where not live`
        : `select p.tenant_id, '${table}' || t::text from ${table} t join t${i} p on p.id = t.parent where not t.live`,
    )
    .join(' union all ')}) rows group by tenant) prints`;

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
  await cluster.createDatabase('shared');
  await cluster.psql(`${SCHEMA}\n${FILL}`, 'shared');
});
after(() => cluster.stop());

async function prints(): Promise<Map<string, string>> {
  const lines = (await cluster.psql(PRINTS, 'shared')).split('\n');
  return new Map(lines.map((line) => [line.slice(0, -33), line.slice(-32)]));
}

/** Every tenant but one writes rows of its own, one after the other, until it is told to end. Gives how many. */
async function startWriting(but: string): Promise<() => Promise<number>> {
  const client = new pg.Client(cluster.urlOf('shared'));
  await client.connect();
  let running = true;
  let written = 0;
  const work = (async () => {
    for (let i = 0; running; i += 1) {
      const tenant = nameOf(1 + (i % TENANTS));
      if (tenant === but) continue;
      const table = tables[(i * 2) % (TABLES - (TABLES % 2))]!;
      await client.query(`insert into ${table} (tenant_id, note, live) values ($1, 'meanwhile', true)`, [
        tenant,
      ]);
      written += 1;
    }
  })();
  return async () => {
    running = false;
    await work;
    await client.end();
    return written;
  };
}

test('one of many is put back; a fingerprint of every other stays, and nothing they write is lost', async (t) => {
  const id = nameOf(Math.ceil(TENANTS / 2));
  const source = postgresSource({
    ...{ name: 'main', url: cluster.urlOf('shared'), tenant: { id, column: 'tenant_id', rules: {} } },
  });
  const artifacts = await runSource(source, sourceContext(await temporaryFolder(t)));
  const original = await prints();
  assert.equal(original.size, TENANTS);
  await cluster.psql(
    `delete from t2 where parent in (select id from t1 where tenant_id = '${id}' and id % 3 = 0);
     update t1 set note = 'vandal' where tenant_id = '${id}'; insert into t3 (tenant_id, note) values ('${id}', 'vandal')`,
    'shared',
  );
  const harmed = await prints();
  assert.notEqual(harmed.get(id), original.get(id));
  const stop = await startWriting(id);
  const { tenant, files } = await readTenantExport(memoryReader(777), artifacts);
  const report = await restoreTenant({
    targetUrl: cluster.urlOf('shared'),
    tenant: tenant!,
    files,
    decide: () => true,
  });
  const written = await stop();
  t.diagnostic(`${TENANTS} tenants, ${TABLES} tables, ${written} rows written meanwhile`);
  assert.equal(report.applied, true);
  assert.ok(written > 0);
  assert.deepEqual(await prints(), original);
  const live = tables.filter(hasColumn).map((table) => `select count(*) as n from ${table} where live`);
  assert.equal(
    Number(await cluster.psql(`select sum(n) from (${live.join(' union all ')}) x`, 'shared')),
    written,
  );
});

test('the control: a careless restore by tables is caught by the fingerprints', async () => {
  const original = await prints();
  // What a script does that takes the rows of a table for those of one tenant.
  await cluster.psql(
    "update t1 set note = md5(note) where id = (select max(id) from t1 where tenant_id = 'tenant 1' and not live)",
    'shared',
  );
  const found = await prints();
  assert.deepEqual(
    [...original.keys()].filter((tenant) => found.get(tenant) !== original.get(tenant)),
    ['tenant 1'],
  );
});
