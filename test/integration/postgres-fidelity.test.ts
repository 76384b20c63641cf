/** What goes into a dump comes out of a restore, on a schema with every feature known to be awkward. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  parseDumpFacts,
  postgresSource,
  restorePostgres,
  restoreTable,
  verifyPostgresEquality,
} from '../../src/engine/sources/postgres/index.ts';
import { plainDump } from '../support/plain-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import {
  type MemoryArtifact,
  memoryArtifact,
  memoryReader,
  runSource,
  sourceContext,
} from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCHEMA = new URL('../support/awkward-schema.sql', import.meta.url);

let cluster: Cluster;
let dump: MemoryArtifact;
let globals: MemoryArtifact;
let url: string;

before(async () => {
  cluster = await startCluster();
  await cluster.psql(
    'create role "awkward owner"; create role reader; create role plain login password \'pw\'',
  );
  url = await cluster.createDatabase('awkward');
  await cluster.psql(await readFile(SCHEMA, 'utf8'), 'awkward');
});
after(() => cluster?.stop());

describe('a dump of an awkward schema', () => {
  test('is produced with facts for every table', async (t) => {
    const source = postgresSource({ name: 'awkward', url, globals: true });
    const artifacts = await runSource(source, sourceContext(await temporaryFolder(t)));
    [dump, globals] = artifacts as [MemoryArtifact, MemoryArtifact];
    assert.deepEqual(
      artifacts.map(({ name, kind }) => [name, kind]),
      [
        ['db.dump', 'pg-dump'],
        ['globals.sql', 'pg-globals'],
      ],
    );
    const facts = parseDumpFacts(dump.facts)!;
    assert.equal(facts.sizeBytes, dump.bytes.length);
    assert.equal(facts.database, 'awkward');
    assert.equal(facts.encoding, 'UTF8');
    assert.equal(facts.largeObjects.count, 3);
    const borders = [facts.tocEnd, ...facts.tables.map((table) => table.start)];
    for (const border of borders) assert.ok(dump.cuts.includes(border), `a chunk ends at ${border}`);
  });

  test('counts and hashes rows as the database itself does', async () => {
    const facts = parseDumpFacts(dump.facts)!;
    assert.ok(facts.tables.length > 25);
    for (const { schema, name, rows, sha256 } of facts.tables) {
      const quoted = [schema, name].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
      const isGenerated = name === 'kinds';
      assert.equal(
        await cluster.psql(`select count(*) from only ${quoted}`, 'awkward'),
        String(rows),
        quoted,
      );
      if (isGenerated || name === 'no_columns') continue;
      const text = await cluster.psql(`copy ${quoted} to stdout`, 'awkward');
      const data = rows === 0 ? '' : `${text}\n`;
      assert.equal(createHash('sha256').update(data).digest('hex'), sha256, quoted);
    }
  });

  test('names sequences and their state', () => {
    const facts = parseDumpFacts(dump.facts)!;
    const state = Object.fromEntries(facts.sequences.map((one) => [one.name, [one.lastValue, one.isCalled]]));
    assert.deepEqual(state.far, ['9223372036854775001', true]);
    assert.deepEqual(state.unused, ['42', false]);
    assert.deepEqual(state.descending, ['-8', true]);
  });
});

describe('restoring it', () => {
  test('is done by plain pg_restore, which gives the same database', async (t) => {
    const file = join(await temporaryFolder(t), 'db.dump');
    await writeFile(file, dump.bytes);
    const pgRestore = join(cluster.binFolder, 'pg_restore');
    const list = spawnSync(pgRestore, ['--list', file], { encoding: 'utf8' });
    assert.equal(list.status, 0, list.stderr);
    assert.match(list.stdout, /TABLE DATA public lookalikes/);
    await cluster.psql('create database plainly template template0');
    const args = ['--exit-on-error', '--jobs=2', `--dbname=${cluster.urlOf('plainly')}`, file];
    const restored = spawnSync(pgRestore, args, { encoding: 'utf8' });
    assert.equal(restored.status, 0, restored.stderr);
    assert.equal(plainDump(cluster, 'plainly'), plainDump(cluster, 'awkward'));
  });

  for (const parallel of [true, false]) {
    test(`works ${parallel ? 'table by table' : 'by pg_restore alone'} to the same database`, async (t) => {
      const scratchFolder = await temporaryFolder(t);
      const database = `restored ${parallel}; "x"`;
      const targetUrl = cluster.urlOf(database);
      const { content, facts } = dump;
      const reader = memoryReader(10_007);
      const report = await restorePostgres({
        reader,
        content,
        facts,
        targetUrl,
        scratchFolder,
        parallel,
        jobs: 3,
      });
      assert.equal(report.path, parallel ? 'tables' : 'archive');
      assert.equal(report.createdDatabase, true);
      assert.equal(report.owners, 'keep');
      assert.equal(
        plainDump(cluster, database).replaceAll(database, 'awkward'),
        plainDump(cluster, 'awkward'),
      );
      const wanted = parseDumpFacts(facts)!;
      assert.deepEqual(await verifyPostgresEquality(wanted, { url: targetUrl, scratchFolder }), []);
    });
  }

  test('the comparison finds a changed value, a missing row, a sequence and a large object', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    await cluster.psql('create database changed template "restored true; ""x"""');
    await cluster.psql(
      `update hashed set body = 'other' where id = 7; drop publication everything; delete from events where id = 1; select nextval('far');
       select lo_unlink(4003); drop table aux."日本語"; create table surplus (id integer);`,
      'changed',
    );
    const differences = await verifyPostgresEquality(parseDumpFacts(dump.facts)!, {
      url: cluster.urlOf('changed'),
      scratchFolder,
    });
    const found = differences.map(({ what, reason }) => `${what}: ${reason}`).sort();
    assert.deepEqual(found.filter((line) => /hashed/.test(line)).length, 1);
    assert.equal(found.filter((line) => /^public\.events_.*rows instead of/.test(line)).length, 1);
    assert.ok(found.includes('aux.日本語: missing'));
    assert.ok(found.includes('public.surplus: not in the backup'));
    assert.ok(found.includes('large objects: 2 instead of 3'));
    assert.ok(found.some((line) => line.startsWith('sequence public.far: at ')));
    assert.equal(found.length, 6);
  });

  test('globals hold roles and settings and load again', async (t) => {
    assert.equal(globals.facts.rolePasswords, true);
    assert.match(globals.bytes.toString(), /CREATE ROLE "awkward owner"/);
    const fresh = await startCluster();
    t.after(() => fresh.stop());
    const sql = globals.bytes.toString().replace(/^(CREATE|ALTER) ROLE postgres.*$/gm, '');
    await fresh.psql(sql.replace(/^\\(un)?restrict .*$/gm, ''));
    assert.equal(
      await fresh.psql(`select count(*) from pg_roles where rolname in ('awkward owner', 'reader')`),
      '2',
    );
  });
});

describe('a restore', () => {
  test('refuses a database that is not empty, and names what is there', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const { content, facts } = dump;
    for (const [name, sql] of [
      ['has_table', 'create table x ()'],
      ['has_function', 'create function f() returns int language sql as $$ select 1 $$'],
      ['has_schema', 'create schema x'],
      ['has_object', "select lo_from_bytea(0, 'x')"],
    ] as const) {
      const targetUrl = await cluster.createDatabase(name);
      await cluster.psql(sql, name);
      await assert.rejects(
        restorePostgres({ reader: memoryReader(), content, facts, targetUrl, scratchFolder }),
        { code: 'target_not_empty' },
        name,
      );
    }
  });

  test('keeps an encoding other than the server’s own', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    await cluster.psql("create database latin template template0 encoding latin1 locale 'C'");
    await cluster.psql(
      "set client_encoding = utf8; create table t as select 'Käse' || chr(255) as body",
      'latin',
    );
    const source = postgresSource({ name: 'l', url: cluster.urlOf('latin') });
    const [latin] = await runSource(source, sourceContext(scratchFolder));
    const { content, facts } = latin!;
    assert.equal(facts.encoding, 'LATIN1');
    assert.ok(latin!.bytes.includes(Buffer.from('K\xe4se\xff\n', 'latin1')));
    for (const parallel of [true, false]) {
      const targetUrl = cluster.urlOf(`latin ${parallel}`);
      const reader = memoryReader();
      await restorePostgres({ reader, content, facts, targetUrl, scratchFolder, parallel });
      assert.deepEqual(
        await verifyPostgresEquality(parseDumpFacts(facts)!, { url: targetUrl, scratchFolder }),
        [],
      );
    }
  });

  test('calls different data a mismatch, and drops the database it made', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const facts = parseDumpFacts(dump.facts)!;
    const [largest] = [...facts.tables].sort((a, b) => b.rows - a.rows);
    const lies = {
      rows: { rows: largest!.rows + 1 },
      hash: { sha256: '0'.repeat(64) },
      place: { start: largest!.start + 1 },
    };
    for (const [name, lie] of Object.entries(lies)) {
      const tables = facts.tables.map((table) => (table === largest ? { ...table, ...lie } : table));
      const targetUrl = cluster.urlOf(`lie ${name}`);
      const options = { reader: memoryReader(), content: dump.content, targetUrl, scratchFolder };
      await assert.rejects(
        restorePostgres({ ...options, facts: { ...facts, tables } as never }),
        { code: 'restore_mismatch' },
        name,
      );
      assert.equal(await cluster.psql(`select count(*) from pg_database where datname = 'lie ${name}'`), '0');
    }
    // The same through pg_restore, where only counting afterwards can tell.
    const tables = facts.tables.map((table) => (table === largest ? { ...table, rows: 1 } : table));
    const options = {
      reader: memoryReader(),
      content: dump.content,
      targetUrl: cluster.urlOf('lie'),
      scratchFolder,
    };
    await assert.rejects(
      restorePostgres({ ...options, facts: { ...facts, tables } as never, parallel: false }),
      { code: 'restore_mismatch' },
    );
  });

  test('restores a dump without facts through pg_restore, and refuses a cut one', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const options = { reader: memoryReader(), facts: {}, scratchFolder };
    const foreign = memoryArtifact('x', 'pg-dump', dump.bytes);
    const report = await restorePostgres({
      ...options,
      content: foreign.content,
      targetUrl: cluster.urlOf('foreign'),
    });
    assert.deepEqual([report.path, report.checked], ['archive', false]);
    assert.equal(plainDump(cluster, 'foreign'), plainDump(cluster, 'awkward'));
    const cut = memoryArtifact('x', 'pg-dump', dump.bytes.subarray(0, dump.bytes.length - 20_000));
    await assert.rejects(
      restorePostgres({ ...options, content: cut.content, targetUrl: cluster.urlOf('cut') }),
      { code: 'database_failed' },
    );
    assert.equal(await cluster.psql(`select count(*) from pg_database where datname = 'cut'`), '0');
  });
});

describe('one table', () => {
  test('is restored beside others, by itself or with its definition', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const { content, facts } = dump;
    const targetUrl = await cluster.createDatabase('one_table');
    await cluster.psql(
      'create table other (id int); create table lookalikes (id integer, body text)',
      'one_table',
    );
    const options = { reader: memoryReader(), content, facts, targetUrl, scratchFolder };
    const wanted = { schema: 'public', table: 'lookalikes' };
    assert.deepEqual(await restoreTable({ ...options, ...wanted, what: 'data' }), {
      ...{ rows: 16, tables: ['public.lookalikes'] },
    });
    const sql = 'select md5(string_agg(id || coalesce(body, chr(1)), chr(2) order by id)) from lookalikes';
    assert.equal(await cluster.psql(sql, 'one_table'), await cluster.psql(sql, 'awkward'));
    await assert.rejects(restoreTable({ ...options, ...wanted, what: 'data' }), { code: 'target_not_empty' });

    await restoreTable({ ...options, schema: 'public', table: 'employees', what: 'definition' });
    assert.equal(
      await cluster.psql("select string_agg(name, ',' order by id) from employees", 'one_table'),
      'Ada,Bob,Cy',
    );
    assert.equal(
      await cluster.psql(`select count(*) from pg_indexes where tablename = 'employees'`, 'one_table'),
      '2',
    );
    const insert = "insert into employees (department, name) values (1, 'new') returning id";
    assert.equal(await cluster.psql(insert, 'one_table'), '4');
    await restoreTable({ ...options, schema: 'public', table: 'numbered', what: 'definition' });
    const next = "insert into numbered (body) values ('new') returning id || ' ' || other";
    assert.equal(await cluster.psql(next, 'one_table'), '10 10');
    await assert.rejects(restoreTable({ ...options, schema: 'public', table: 'nothing', what: 'data' }), {
      code: 'item_unknown',
    });
  });
});
