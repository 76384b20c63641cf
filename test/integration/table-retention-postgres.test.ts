/** Table retention on a real PostgreSQL server: archive and remaining rows are the original while a writer runs. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { readBack } from '../../src/engine/operations/table-retention/archives.ts';
import { restoreTableArchive } from '../../src/engine/operations/table-retention/restore-archive.ts';
import { planTableRetention, runTableRetention } from '../../src/engine/operations/table-retention/run.ts';
import type { RetentionRule } from '../../src/engine/sources/retained-table.ts';
import { count } from '../support/counts.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { postgresWriter, retentionWorld } from '../support/retention-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROWS = count(20_000, 10_000_000);
const RULE = { table: 'audit_log', column: 'at', unit: 'time', maxAgeDays: 100, maxRows: null } as const;

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

/** A key of two columns, a generated column, types whose text is not obvious, quotes and line breaks. */
async function auditTable(database: string, rows = ROWS): Promise<{ url: string; old: number }> {
  const url = await cluster.createDatabase(database);
  await cluster.psql(
    `create type level as enum ('info', 'bad "one"');
     create table audit_log (shard int default 0, id bigint generated always as identity, at timestamptz, actor text,
       detail text, extra json, amount double precision, raw bytea, tags text[], lvl level,
       size int generated always as (length(detail)) stored, primary key (shard, id));
     insert into audit_log (shard, at, actor, detail, extra, amount, raw, tags, lvl)
     select i % 3, now() - make_interval(days => (i::bigint * 7919 % 200)::int, mins => 1), case when i % 3 = 0 then '' when i % 7 = 0 then null else 'user ' || i % 97 end,
       E'entry "' || i || E'",\\nand \\\\. over two lines', json_build_object('i', i), sqrt(i), decode(lpad(to_hex(i), 8, '0'), 'hex'),
       array['a,b', null, E'q"\\\\' || i], case when i % 2 = 0 then 'info' else 'bad "one"' end::level
     from generate_series(1, ${rows}) i`,
    database,
  );
  const old = Number(
    await cluster.psql("select count(*) from audit_log where at < now() - interval '100 days'", database),
  );
  return { url, old };
}

/** One hash over every row that is not the writer's. */
const digestOf = (database: string) =>
  cluster.psql(
    `select count(*) || ' ' || coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)
     from audit_log t where actor is distinct from 'writer'`,
    database,
  );

async function world(t: TestContext, url: string) {
  const made = await retentionWorld(await temporaryFolder(t));
  const source = { kind: 'postgres', name: 'main', url, globals: false } as const;
  return { ...made, source, named: { source: 'main', table: 'audit_log', target: source, backupId: null } };
}

test('archive and remaining rows are the original while a writer runs', async (t) => {
  const { url, old } = await auditTable('growing');
  const { source, named, stateFolder, contextOn } = await world(t, url);
  const context = await contextOn();
  const original = await digestOf('growing');
  const plan = await planTableRetention(context, { source, rule: RULE });
  assert.deepEqual([plan.rows, plan.going], [ROWS, old]);
  const stop = await postgresWriter(url);
  const archiveRows = Math.max(4000, Math.ceil(ROWS / 20));
  const request = { source, rule: RULE, stateFolder, archiveRows, pace: { pauseMs: 1, batchRows: 2000 } };
  const outcome = await runTableRetention(context, request);
  const { written, longestMs } = await stop();
  t.diagnostic(
    `${written} rows written meanwhile, the longest wait of a statement was ${longestMs.toFixed(1)} ms`,
  );
  assert.ok(written > 0);
  assert.deepEqual([outcome.deleted, outcome.changed], [old, 0]);
  assert.equal(outcome.archives.length, Math.ceil(old / archiveRows));
  assert.equal(
    await cluster.psql("select count(*) from audit_log where at < now() - interval '100 days'", 'growing'),
    '0',
  );
  assert.match(await digestOf('growing'), new RegExp(`^${ROWS - old} `));
  // Of millions, one archive is enough: all of them would take as long again.
  const isMany = ROWS > 1_000_000;
  const [oldest] = outcome.archives;
  const back = await restoreTableArchive(context, isMany ? { ...named, backupId: oldest!.backupId } : named);
  assert.deepEqual([back.inserted, back.present, back.different], [isMany ? oldest!.rows : old, 0, 0]);
  if (!isMany) assert.equal(await digestOf('growing'), original);
});

test('killed between archive and deletion, or held up by a lock: nothing is lost, and the next run goes on', async (t) => {
  const { url, old } = await auditTable('interrupted', 1000);
  const { source, stateFolder, contextOn } = await world(t, url);
  const context = await contextOn();
  const original = await digestOf('interrupted');
  const request = {
    source,
    rule: RULE,
    stateFolder,
    pace: { pauseMs: 1, lockTimeoutMs: 20, busyTimeoutMs: 60 },
  };
  const died = { check: () => Promise.reject(new Error('killed')) };
  await assert.rejects(runTableRetention(context, request, died));
  assert.equal(await digestOf('interrupted'), original);
  const { default: pg } = await import('pg');
  const other = new pg.Client(url);
  await other.connect();
  await other.query("begin; select from audit_log where at < now() - interval '100 days' for update");
  const held = await runTableRetention(context, request).then(() => null, codeOf);
  assert.equal(held, 'source_busy');
  assert.equal(await digestOf('interrupted'), original);
  await other.end();
  const outcome = await runTableRetention(context, request);
  assert.deepEqual([outcome.resumed, outcome.archives.length, outcome.deleted], [true, 0, old]);
});

test('one locked row keeps no other from going, and a login that may only read and delete is enough', async (t) => {
  const { url, old } = await auditTable('locked', 1000);
  await cluster.psql(
    'create role janitor login; grant select, delete on audit_log to janitor; grant temporary on database locked to janitor',
    'locked',
  );
  const { source, stateFolder, contextOn } = await world(t, url);
  const context = await contextOn();
  const pace = { pauseMs: 1, lockTimeoutMs: 20, busyTimeoutMs: 60 };
  const { default: pg } = await import('pg');
  const other = new pg.Client(url);
  await other.connect();
  const first = "select min(id) from audit_log where at < now() - interval '100 days'";
  await other.query(`begin; select from audit_log where id = (${first}) for update`);
  const remaining = async () =>
    Number(
      await cluster.psql("select count(*) from audit_log where at < now() - interval '100 days'", 'locked'),
    );
  const request = { source, rule: RULE, stateFolder, pace };
  assert.equal(await runTableRetention(context, request).then(() => null, codeOf), 'source_busy');
  const left = await remaining();
  assert.ok(left >= 1 && left < old, `${left} of ${old} are left`);
  await other.query('commit');
  await other.end();
  const janitor = { ...source, url: cluster.urlOf('locked', { user: 'janitor' }) };
  const outcome = await runTableRetention(context, { ...request, source: janitor });
  assert.deepEqual([outcome.resumed, outcome.deleted, await remaining()], [true, left, 0]);
});

test('a row changed behind its archive stays; a row cap counts from the newest', async (t) => {
  const { url, old } = await auditTable('changed', 1000);
  const { source, stateFolder, contextOn, named } = await world(t, url);
  const context = await contextOn();
  const request = { source, rule: RULE, stateFolder };
  const check: typeof readBack = async (...given) => {
    await cluster.psql(
      "update audit_log set amount = -1 where id = (select min(id) from audit_log where at < now() - interval '100 days')",
      'changed',
    );
    return readBack(...given);
  };
  const first = await runTableRetention(context, request, { check });
  assert.deepEqual([first.deleted, first.changed], [old - 1, 1]);
  const capped = { ...RULE, column: 'id', unit: 'value', maxAgeDays: null, maxRows: 100 } as const;
  const second = await runTableRetention(context, { ...request, rule: capped });
  assert.equal(second.deleted, 1000 - old + 1 - 100);
  assert.equal(
    await cluster
      .psql('select count(*) || min(id)::text from audit_log where id > 0', 'changed')
      .then((text) => text.slice(0, 3)),
    '100',
  );
  const back = await restoreTableArchive(context, named);
  assert.deepEqual([back.inserted, back.different], [900, 1]);
});

test('tables that cannot be thinned are refused by name', async (t) => {
  const url = await cluster.createDatabase('refused');
  await cluster.psql(
    `create table audit_log (id int primary key, at timestamptz); create table notes (audit int references audit_log);
     create table keyless (at timestamptz); create table texts (id int primary key, at text); create view seen as select 1 as id, now() as at`,
    'refused',
  );
  const { source, contextOn } = await world(t, url);
  const context = await contextOn();
  const codeFor = (rule: Partial<RetentionRule>) =>
    planTableRetention(context, { source, rule: { ...RULE, ...rule } }).then(() => null, codeOf);
  assert.equal(await codeFor({}), 'config_invalid', 'others refer to it');
  assert.equal(await codeFor({ table: 'keyless' }), 'config_invalid');
  assert.equal(await codeFor({ table: 'texts' }), 'config_invalid', 'a text has no age');
  assert.equal(await codeFor({ table: 'seen' }), 'config_invalid');
  assert.equal(await codeFor({ table: 'public.none' }), 'item_unknown');
  assert.equal(await codeFor({ table: 'public.audit_log', column: 'when' }), 'item_unknown');
});
