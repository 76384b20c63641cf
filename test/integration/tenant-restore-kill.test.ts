/** Killed at every step of putting one tenant back into a live database: it is as before or as wanted, and nothing is left behind. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_DRILL_ROOT, findLeftovers } from '../../src/engine/operations/drill/drill-folder.ts';
import { TENANT_STEPS } from '../../src/engine/sources/postgres/index.ts';
import { count } from '../support/counts.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { safeWorld } from '../support/safe-restore-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

const SCHEMA = `create table orders (id int primary key, tenant_id text not null, note text);
  create table lines (id int primary key, orders int not null references orders, note text);
  insert into orders select i, 'tenant ' || i % 5, 'note ' || i from generate_series(1, 100) i;
  insert into lines select i, i, 'line ' || i from generate_series(1, 100) i`;

const HARM = `delete from lines where orders in (select id from orders where tenant_id = 'tenant 3' and id < 50);
  delete from orders where tenant_id = 'tenant 3' and id < 50; update orders set note = 'vandal' where tenant_id = 'tenant 3'`;

/** A fingerprint of the rows of one tenant, and of all others. */
const PRINT = `select coalesce(string_agg(md5, ' ' order by mine), '') from (
  select mine, md5(string_agg(r, '|' order by r)) from (
    select tenant_id = 'tenant 3' as mine, t::text as r from orders t
    union all select tenant_id = 'tenant 3', l::text from lines l join orders o on o.id = l.orders) x group by mine) y`;

/** Of the throwaway server that the dump is loaded into, then of the transaction in the live database. */
const STEPS = ['load the dump aside', 'definitions', 'tables', ...TENANT_STEPS];
/** Each of them is a process that starts a server. */
const KILLED = count(0, 1) === 1 ? STEPS : ['tables', 'check', 'committed'];

test('a tenant, killed at every step', async (t) => {
  const url = await cluster.createDatabase('live');
  await cluster.psql(SCHEMA, 'live');
  const source = { kind: 'postgres', name: 'main', url, globals: false } as const;
  const folder = await temporaryFolder(t);
  const world = await safeWorld(folder, source, { item: 'main', target: url, tenantId: 'tenant 3' });
  const wanted = await cluster.psql(PRINT, 'live');
  const known = new Set((await findLeftovers(DEFAULT_DRILL_ROOT)).map(({ path }) => path));
  for (const killAt of KILLED) {
    await cluster.psql(HARM, 'live');
    const harmed = await cluster.psql(PRINT, 'live');
    assert.notEqual(harmed, wanted);
    assert.equal(await world.child({ what: 'tenant', killAt }), 'SIGKILL', killAt);
    // The server notices that its client is gone.
    await untilTrue(async () => {
      const open = await cluster.psql(
        "select count(*) from pg_stat_activity where datname = 'live' and pid <> pg_backend_pid()",
      );
      return open === '0';
    });
    const found = await cluster.psql(PRINT, 'live');
    assert.equal(found, killAt === 'committed' ? wanted : harmed, `killed at ${killAt}`);
    assert.equal(await world.child({ what: 'tenant', killAt: null }), 0);
    assert.equal(await cluster.psql(PRINT, 'live'), wanted, `after ${killAt}`);
    // Its guardian or the next restore removes it. Others may leave something behind at the same time.
    await untilTrue(async () =>
      (await findLeftovers(DEFAULT_DRILL_ROOT)).every(({ path }) => known.has(path)),
    );
  }
});

test('control: without one transaction around it, a kill in the middle is seen', async () => {
  await cluster.createDatabase('careless');
  await cluster.psql(SCHEMA, 'careless');
  const wanted = await cluster.psql(PRINT, 'careless');
  await cluster.psql(HARM, 'careless');
  const harmed = await cluster.psql(PRINT, 'careless');
  // What a script of single statements has done when it dies behind its first.
  await cluster.psql(
    "delete from lines where orders in (select id from orders where tenant_id = 'tenant 3')",
    'careless',
  );
  const found = await cluster.psql(PRINT, 'careless');
  assert.ok(found !== wanted && found !== harmed);
});
