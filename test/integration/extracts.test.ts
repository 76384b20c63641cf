/** Extracts and table dumps (B7, B8): the same rows as psql and SQLite themselves give, of the moment of the dump, in bounded memory. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { postgresSource } from '../../src/engine/sources/postgres/index.ts';
import { sqliteSource } from '../../src/engine/sources/sqlite/index.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { runCli } from '../support/run-cli.ts';
import { collectGarbage } from '../support/small-heap.ts';
import { runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KEYS = `select key_id, public_key, algorithm, status, activated_at, retired_at from vault_keys order by key_id -- all`;

const SCHEMA = `
create table vault_keys (key_id text primary key, public_key bytea, algorithm text, status text, activated_at timestamptz, retired_at date);
insert into vault_keys select 'k' || g, decode(md5(g::text), 'hex'), case g % 3 when 0 then null when 1 then '' else E'a "b",\\n\\\\x' end,
  case when g % 2 = 0 then 'active' else '\\.' end, timestamptz '2024-01-01' + g * interval '1 hour', null from generate_series(1, 50) g;
create schema audit;
create table audit."odd/../name" (id bigint, body jsonb, raw json, big numeric);
insert into audit."odd/../name" values (9007199254740993, '{"a":"x\\\\y\\n"}', E'{"b":\\n 1,\\t"c\\\\\\\\":"\\\\n"}', 12345678901234567890.5), (1, null, null, 'NaN');
create table events (id int, at date) partition by range (at);
create table events_1 partition of events for values from ('2024-01-01') to ('2025-01-01');
insert into events select g, '2024-02-01' from generate_series(1, 10) g;
create table left_alone (id int); insert into left_alone values (1);
`;

/** Produces an artifact into a sink that is slower than it, and says how much was held at most. */
async function measured(
  artifact: unknown,
): Promise<{ facts: { rows?: number }; size: number; most: number }> {
  let [size, most, nextLook] = [0, 0, 0];
  collectGarbage();
  // With the buffers of everything that is streamed.
  const before = process.memoryUsage().external;
  const facts = await (artifact as { produce: (sink: object) => Promise<{ rows?: number }> }).produce({
    async write(bytes: Uint8Array) {
      size += bytes.length;
      if (size < nextLook) return;
      nextLook = size + 4e6;
      await new Promise((resolve) => setTimeout(resolve, 5));
      collectGarbage();
      most = Math.max(most, process.memoryUsage().external - before);
    },
    cut() {},
  });
  return { facts, size, most };
}

describe('beside a PostgreSQL dump', () => {
  let cluster: Cluster;
  let url = '';
  before(async () => {
    cluster = await startCluster();
    url = await cluster.createDatabase('vault');
    await cluster.psql(SCHEMA, 'vault');
  });
  after(() => cluster?.stop());

  const run = async (folder: string, options: object, between?: () => Promise<void>) => {
    const source = postgresSource({ name: 'main', url, ...options });
    if (!between) return runSource(source, sourceContext(folder));
    return runSource(
      {
        open: async (context) => {
          const session = await source.open(context);
          await between();
          return session;
        },
      },
      sourceContext(folder),
    );
  };

  for (const tools of ['auto', 'copy'] as const) {
    test(`extracts and tables are of the moment of the dump (${tools})`, async (t) => {
      const folder = await temporaryFolder(t);
      const csv = await cluster.psql(`copy (${KEYS}\n) to stdout (format csv, header true)`, 'vault');
      const extracts = [
        { name: 'keys.csv', query: ` ${KEYS}\n ; `, format: 'csv' },
        { name: 'events.ndjson', query: 'select * from events order by id', format: 'ndjson' },
      ];
      const artifacts = await run(folder, { tools, extracts, tables: ['vault_keys', 'events'] }, async () => {
        await cluster.psql(`delete from vault_keys where key_id = 'k1'; delete from events`, 'vault');
      });
      const named = new Map(artifacts.map((artifact) => [artifact.name, artifact]));
      assert.equal(named.get('keys.csv')!.bytes.toString().trimEnd(), csv.trimEnd());
      assert.equal(named.get('keys.csv')!.facts.rows, 50);
      assert.equal(named.get('events.ndjson')!.facts.rows, 10);
      const lines = named.get('tables/events.ndjson')!.bytes.toString().trimEnd().split('\n');
      assert.deepEqual(JSON.parse(lines[9]!), { id: 10, at: '2024-02-01' });
      assert.equal(named.get('tables/vault_keys.ndjson')!.facts.rows, 50);
      await cluster.psql(
        `insert into vault_keys select 'k1', decode(md5('1'), 'hex'), '', '\\.', timestamptz '2024-01-01 01:00', null;
        insert into events select g, '2024-02-01' from generate_series(1, 10) g`,
        'vault',
      );
    });
  }

  test('awkward values come as the JSON that the server holds, one line for each row', async (t) => {
    const folder = await temporaryFolder(t);
    const [dump] = await run(folder, { extrasOnly: true, tables: ['audit.odd/../name'] });
    assert.equal(dump!.name, 'tables/audit.odd%2F..%2Fname.ndjson');
    const [first, second] = dump!.bytes.toString().trimEnd().split('\n');
    assert.match(first!, /"id":9007199254740993,.*"big":12345678901234567890\.5/);
    const { body, raw } = JSON.parse(first!);
    assert.deepEqual([body, raw], [{ a: 'x\\y\n' }, { b: 1, 'c\\': '\n' }]);
    assert.deepEqual(JSON.parse(second!), { id: 1, body: null, raw: null, big: 'NaN' });
  });

  test('a query that fails, writes, runs on or takes too long fails the run and is named', async (t) => {
    const folder = await temporaryFolder(t);
    const failing = (query: string, options: object = {}) =>
      run(folder, { extrasOnly: true, extracts: [{ name: 'x.csv', query, format: 'csv' }], ...options });
    const named = (code: string, message: RegExp) => (error: { code: string; message: string }) =>
      error.code === code && error.message.startsWith('x.csv: ') && message.test(error.message);
    await assert.rejects(failing('select nothing from nowhere'), named('source_failed', /nowhere/));
    await assert.rejects(failing('delete from left_alone returning 1'), named('source_failed', /read-only/));
    for (const query of [
      'select 1) to stdout; commit; drop table left_alone; select (1',
      'select 1; commit; drop table left_alone',
      'select 1 /*',
    ]) {
      await assert.rejects(failing(query), named('source_failed', /syntax|multiple commands|unterminated/));
    }
    await assert.rejects(
      failing('select pg_sleep(600)', { extrasTimeoutMs: 1000 }),
      named('source_busy', /statement timeout/),
    );
    await assert.rejects(run(folder, { extrasOnly: true, tables: ['missing'] }), {
      code: 'source_missing',
      message: 'tables/missing.ndjson: there is no table missing',
    });
    assert.equal(
      await cluster.psql('select count(*) from left_alone', 'vault').then((text) => text.trim()),
      '1',
    );
  });

  test('memory stays bounded, however much a query gives', async (t) => {
    const folder = await temporaryFolder(t);
    const query = `select g, repeat('x', 1000) as text from generate_series(1, 200000) g`;
    const source = postgresSource({
      name: 'main',
      url,
      extrasOnly: true,
      extracts: [{ name: 'big.ndjson', query, format: 'ndjson' }],
    });
    const session = await source.open(sourceContext(folder));
    const { facts, size, most } = await measured(session.artifacts[0]!);
    await session.close();
    assert.equal(facts.rows, 200_000);
    assert.ok(size > 200e6, `${size} bytes`);
    assert.ok(most < 60e6, `${most} bytes were held`);
  });
});

describe('beside an SQLite database', () => {
  const made = async (folder: string) => {
    const path = join(folder, 'app.db');
    const database = new DatabaseSync(path);
    database.exec(`create table keys (id integer, name text, raw blob, n real);
      insert into keys values (9007199254740993, 'a "b",' || char(10), x'00ff', 1.5), (2, '', null, 9e999), (3, null, null, null)`);
    database.close();
    return path;
  };

  test('extracts and tables are read from the copy', async (t) => {
    const folder = await temporaryFolder(t);
    const path = await made(folder);
    const scratch = await temporaryFolder(t);
    const source = sqliteSource({
      name: 'app',
      path,
      extracts: [{ name: 'keys.csv', query: 'select id, name, raw from keys order by rowid', format: 'csv' }],
      tables: ['keys'],
    });
    const [database, csv, table] = await runSource(
      {
        open: async (context) => {
          const session = await source.open(context);
          const live = new DatabaseSync(path);
          live.exec('delete from keys');
          live.close();
          return session;
        },
      },
      sourceContext(scratch),
    );
    assert.equal(database!.kind, 'sqlite');
    assert.equal(csv!.bytes.toString(), 'id,name,raw\n9007199254740993,"a ""b"",\n",\\x00ff\n2,"",\n3,,\n');
    assert.equal(csv!.facts.rows, 3);
    assert.equal(table!.name, 'tables/keys.ndjson');
    assert.deepEqual(table!.bytes.toString().trimEnd().split('\n').slice(1), [
      '{"id":2,"name":"","raw":null,"n":"Infinity"}',
      '{"id":3,"name":null,"raw":null,"n":null}',
    ]);
  });

  test('a query that fails, writes, or is more than one fails the run and is named', async (t) => {
    const folder = await temporaryFolder(t);
    const path = await made(folder);
    const scratch = await temporaryFolder(t);
    const failing = (query: string, extrasTimeoutMs = 60_000) =>
      runSource(
        sqliteSource({
          ...{ name: 'app', path, extrasOnly: true, extrasTimeoutMs },
          extracts: [{ name: 'x.csv', query, format: 'csv' }],
        }),
        sourceContext(scratch),
      );
    const named = (message: RegExp) => ({ message: new RegExp(`^x\\.csv: .*${message.source}`) });
    await assert.rejects(failing('select nope from keys'), named(/no such column|no such/));
    await assert.rejects(failing('delete from keys returning id'), named(/readonly/));
    await assert.rejects(failing('select 1; delete from keys'), named(/more than one statement/));
    await assert.rejects(failing(`attach '${folder}/other.db' as other`), named(/gives no rows/));
    const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n';
    await assert.rejects(failing(endless, 200), named(/took longer than 200 ms/));
  });
});

test('tables of an SQLite file are dumped on their own, with a summary on standard output', async (t) => {
  const folder = await temporaryFolder(t);
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec(`create table log (id integer); insert into log values (1), (2); create table other (id)`);
  database.close();
  const run = (...tables: string[]) =>
    runCli(['tables', 'dump', 'app.db', 'out', '--table', ...tables], { folder });
  const first = await run('log', 'other');
  assert.deepEqual(JSON.parse(first.stdout), { outDir: join(folder, 'out'), counts: { log: 2, other: 0 } });
  assert.equal(await readFile(join(folder, 'out/log.ndjson'), 'utf8'), '{"id":1}\n{"id":2}\n');
  const again = await run('log');
  assert.notEqual(again.status, 0);
  assert.match(again.stderr, /log\.ndjson is there already/);
  const missing = await run('nope');
  assert.match(missing.stderr, /there is no table nope/);
  assert.deepEqual((await readdir(join(folder, 'out'))).sort(), ['log.ndjson', 'other.ndjson']);
});

test('what several sources give under one name is restored under several', async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ['a', 'b']) {
    const database = new DatabaseSync(join(folder, `${name}.db`));
    database.exec(`create table log (x text); insert into log values ('${name}')`);
    database.close();
  }
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `destinations: { main: { address: ./repository } }
sources:
  a: { kind: sqlite, path: a.db, tables: [log] }
  b: { kind: sqlite, path: b.db, tables: [log], extracts: { log.ndjson: { query: select 'e' as x } } }
plans: { all: { sources: [a, b] } }
`,
  );
  for (const args of [
    ['init'],
    ['backup', 'all'],
    ['restore', 'latest', '--to', 'out', '--confirm-restore'],
  ]) {
    const { status, stderr } = await runCli(args, { folder });
    assert.equal(status, 0, stderr);
  }
  const rows = async (name: string) => (await readFile(join(folder, 'out', name), 'utf8')).trim();
  assert.equal(await rows('log.ndjson'), '{"x":"a"}');
  assert.equal(await rows('2-log.ndjson'), '{"x":"e"}');
  assert.equal(await rows('b-tables_log.ndjson'), '{"x":"b"}');
});
