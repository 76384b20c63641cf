/** The export without pg_dump (B3): one CSV file per table and the schema, and back. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { artifactName } from '../../src/engine/sources/postgres/copy-session.ts';
import {
  compareDumpFacts,
  fingerprintDatabase,
  postgresSource,
  restoreCopy,
} from '../../src/engine/sources/postgres/index.ts';
import { plainDump } from '../support/plain-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { type MemoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCHEMA = new URL('../support/awkward-schema.sql', import.meta.url);

const SIMPLE = `
create schema shop; create extension citext;
create type shop.state as enum ('new', 'it''s paid');
create domain shop.cents as integer default 0 not null constraint not_negative check (value >= 0);
create function shop.stamp() returns trigger language plpgsql as $$ begin new.note := 'stamped'; return new; end $$;
create function shop.vat(shop.cents) returns numeric language sql immutable as 'select $1 * 0.2';
create sequence shop.free increment 5 start 10; select nextval('shop.free'), nextval('shop.free');
create table shop.customers (id bigint generated always as identity (start with 7) primary key, email citext unique, best integer);
create table shop.orders (id serial primary key, customer bigint not null references shop.customers, state shop.state default 'new',
  total shop.cents, tax numeric generated always as (total * 0.2) stored, note text, check (id > 0));
alter table shop.customers add constraint best_order foreign key (best) references shop.orders;
create table shop.log (at date not null, "odd, ""name""" text) partition by range (at);
create table shop.log_2024 partition of shop.log for values from ('2024-01-01') to ('2025-01-01');
create table shop.log_rest partition of shop.log default;
create index on shop.log (at); create index on shop.orders (lower(note)) where total > 0;
create view shop.paid as select * from shop.orders where state = 'it''s paid';
insert into shop.customers (email) values ('A@x'), (null), ('');
insert into shop.orders (customer, state, total, note) select 7 + g % 3, (enum_range(null::shop.state))[1 + g % 2], g,
  case g % 4 when 0 then null when 1 then '' when 2 then E'a,"b"\\n\\\\.\\n' else '\\.' end from generate_series(1, 200) g;
update shop.customers set best = id;
insert into shop.log select '2023-12-30'::date + g, 'line ' || g from generate_series(1, 20) g;
create trigger stamp before insert on shop.orders for each row execute function shop.stamp();
`;

let cluster: Cluster;

before(async () => {
  cluster = await startCluster();
  await cluster.psql('create role "awkward owner"; create role reader; create role plain login');
});
after(() => cluster?.stop());

async function exportOf(database: string, folder: string): Promise<MemoryArtifact[]> {
  const source = postgresSource({ name: database, url: cluster.urlOf(database), tools: 'copy' });
  return runSource(source, sourceContext(folder));
}

function tool(name: string, args: string[], input?: string | Buffer): Buffer {
  const options = { maxBuffer: 1 << 30, ...(input === undefined ? {} : { input }) };
  const { stdout, stderr, status } = spawnSync(join(cluster.binFolder, name), args, options);
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

describe('a CSV export', () => {
  test('of an awkward schema loads into the same schema elsewhere, bit for bit', async (t) => {
    const folder = await temporaryFolder(t);
    await cluster.createDatabase('awkward');
    await cluster.psql(await readFile(SCHEMA, 'utf8'), 'awkward');
    const artifacts = await exportOf('awkward', folder);
    assert.equal(artifacts.at(-1)!.name, 'schema.json');
    await cluster.psql('create database copied template template0');
    const schema = tool('pg_dump', [
      '--schema-only',
      '--format=custom',
      `--dbname=${cluster.urlOf('awkward')}`,
    ]);
    tool('pg_restore', ['--exit-on-error', `--dbname=${cluster.urlOf('copied')}`], schema);
    const options = { reader: memoryReader(5001), targetUrl: cluster.urlOf('copied'), artifacts };
    const { rows } = await restoreCopy({ ...options, schema: 'existing' });
    assert.equal(
      rows,
      artifacts.reduce((sum, { facts }) => sum + Number(facts.rows ?? 0), 0),
    );
    const facts = (database: string) =>
      fingerprintDatabase({ url: cluster.urlOf(database), scratchFolder: folder });
    const differences = compareDumpFacts(await facts('awkward'), await facts('copied'));
    assert.deepEqual(differences, [{ what: 'large objects', reason: '0 instead of 3' }]);
    await assert.rejects(restoreCopy({ ...options, schema: 'existing' }), { code: 'target_not_empty' });
  });

  test('makes a simple schema anew, equal in all pg_dump can tell', async (t) => {
    const folder = await temporaryFolder(t);
    await cluster.createDatabase('simple');
    await cluster.psql(SIMPLE, 'simple');
    const artifacts = await exportOf('simple', folder);
    const options = { reader: memoryReader(), targetUrl: cluster.urlOf('anew'), artifacts };
    assert.deepEqual(await restoreCopy({ ...options, schema: 'create' }), { tables: 4, rows: 223 });
    assert.equal(plainDump(cluster, 'anew'), plainDump(cluster, 'simple'));
  });

  test('holds what the database’s own COPY gives, with counts and hashes', async (t) => {
    const artifacts = await exportOf('simple', await temporaryFolder(t));
    const log = artifacts.find(({ name }) => name === 'shop.log_2024.csv')!;
    const text = await cluster.psql('copy shop.log_2024 to stdout (format csv, header)', 'simple');
    assert.equal(log.bytes.toString(), `${text}\n`);
    const sha256 = createHash('sha256').update(log.bytes).digest('hex');
    const columns = ['at', 'odd, "name"'];
    assert.deepEqual(log.facts, {
      format: 'pg-csv',
      schema: 'shop',
      name: 'log_2024',
      columns,
      rows: 19,
      sha256,
    });
  });

  test('is loaded wholly or not at all', async (t) => {
    const folder = await temporaryFolder(t);
    const artifacts = await exportOf('simple', folder);
    const options = { reader: memoryReader(), targetUrl: cluster.urlOf('never'), schema: 'create' as const };
    const changed = artifacts.map((one) =>
      one.name === 'shop.log_rest.csv' ? { ...one, facts: { ...one.facts, sha256: '0'.repeat(64) } } : one,
    );
    await assert.rejects(restoreCopy({ ...options, artifacts: changed }), { code: 'restore_mismatch' });
    const fewer = artifacts.filter(({ name }) => name !== 'shop.log_rest.csv');
    await assert.rejects(restoreCopy({ ...options, artifacts: fewer }), { code: 'item_unknown' });
    assert.equal(await cluster.psql(`select count(*) from pg_database where datname = 'never'`), '0');
  });

  test('loads as an ordinary role where references form no circle', async (t) => {
    const folder = await temporaryFolder(t);
    await cluster.createDatabase('tree');
    // The table that refers is listed first, so that only the order of loading can be right.
    const tables = `create table a (id int primary key, b int);
      create table b (id int primary key, parent int references b deferrable initially deferred);
      alter table a add foreign key (b) references b`;
    await cluster.psql(
      `${tables}; insert into b values (1, 2), (2, null); insert into a values (1, 1)`,
      'tree',
    );
    const artifacts = await exportOf('tree', folder);
    await cluster.psql('create database planted owner plain');
    const targetUrl = cluster.urlOf('planted', { user: 'plain' });
    await cluster.psql(`set role plain; ${tables}`, 'planted');
    const report = await restoreCopy({ reader: memoryReader(), targetUrl, artifacts, schema: 'existing' });
    assert.deepEqual(report, { tables: 2, rows: 3 });
  });

  test('is what happens when no pg_dump fits, with a warning', async (t) => {
    const warnings: string[] = [];
    const context = sourceContext(await temporaryFolder(t));
    const progress = { phase() {}, advance() {}, warn: (message: string) => warnings.push(message) };
    const source = postgresSource({ name: 'simple', url: cluster.urlOf('simple'), tools: 'copy' });
    const session = await source.open({ ...context, progress });
    assert.equal(session.artifacts.length, 5);
    assert.match(warnings.join(), /exporting tables as CSV/);
    await session.close();
  });
});

test('file names of tables are safe, distinct and short enough', () => {
  assert.equal(artifactName('public', 'orders_2024'), 'public.orders_2024.csv');
  assert.equal(artifactName('a.b', '../x y/ü'), 'a%2Eb.%2E%2E%2Fx%20y%2F%C3%BC.csv');
  const long = artifactName('ü'.repeat(31), 'ü'.repeat(31));
  assert.ok(long.length <= 204 && long !== artifactName('ü'.repeat(31), 'ü'.repeat(30)));
});
