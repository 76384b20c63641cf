/** Reliability 28: names and dumps that want to run something. A canary tells whether they did. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { escapeLiteral } from 'pg';
import { parsePostgresAddress } from '../../src/engine/sources/postgres/address.ts';
import { archiveParser } from '../../src/engine/sources/postgres/archive-parser.ts';
import { connect } from '../../src/engine/sources/postgres/connect.ts';
import { asFacts } from '../../src/engine/sources/postgres/facts.ts';
import {
  parseDumpFacts,
  postgresSource,
  restorePostgres,
  verifyPostgresEquality,
} from '../../src/engine/sources/postgres/index.ts';
import { quoteName } from '../../src/engine/sources/postgres/quote.ts';
import { type ArchivePart, writeArchive } from '../support/archive-writer.ts';
import { count } from '../support/counts.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { seededRandom } from '../support/seed.ts';
import { memoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let cluster: Cluster;
/** In the server's own folder: both its processes and ours may write there. */
let canary: string;

before(async () => {
  cluster = await startCluster();
  canary = join(cluster.socketFolder, 'canary');
});
after(() => cluster?.stop());

function assertNoCanary(what: string): void {
  const sang = existsSync(canary);
  rmSync(canary, { force: true });
  assert.equal(sang, false, `something ran: ${what}`);
}

/** Names a shell, psql, pg_restore, libpq or a careless program might take for something else. At most 60 bytes. */
function hostileNames(amount: number): string[] {
  const random = seededRandom('hostile names');
  const touch = `touch ${canary}`;
  const forms = [
    `$(${touch})`,
    `\`${touch}\``,
    `;${touch}`,
    `|${touch}`,
    `&${touch}&`,
    `x\n${touch}\n`,
    `\n\\! ${touch}\n`,
    `\\! ${touch}`,
    `';${touch};'`,
    `";${touch};"`,
    `>${canary}`,
    `-f${canary}`,
    `--file=${canary}`,
    `x' || '${canary}`,
    `%s%n ${canary}`,
    `{${touch},}`,
    `dbname=postgres`,
    `postgres://x@/y`,
    `host=evil`,
    `*`,
    `?`,
    `~`,
    `!!`,
    `-`,
    `--help`,
    `-c`,
    `..`,
    `a/b`,
    `/etc/passwd`,
    `\\`,
    `'`,
    `"`,
    `$1`,
    `E'\\'`,
    `$$`,
    `$x$`,
    `--`,
    `/*`,
    ` `,
    `\t`,
    `\r\n`,
    `COPY`,
    `select`,
    `ü€𝄞`,
    `\u202e`,
    `a=b c='d`,
  ];
  return Array.from({ length: amount }, (_, i) => {
    const mark = i.toString(36);
    const form = i < forms.length ? forms[i]! : random.pick(forms);
    const name = random.int(2) === 0 ? `${form}${mark}` : `${mark}${form}`;
    // A name that is cut must not lose its mark, and not end inside a character.
    return Buffer.byteLength(name) <= 60 ? name : `${mark}$(>${canary})`.slice(0, 60);
  });
}

/** Not by psql: it has meta-commands of its own. */
async function run(url: string, statements: readonly string[]) {
  const client = await connect(parsePostgresAddress(url));
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function statementsFor(name: string, i: number): string[] {
  const q = quoteName(name);
  const view = quoteName(`v${i}${name}`.slice(0, 20));
  return [
    `create role ${q}`,
    `create table public.${q} (${q} text); insert into public.${q} values (${escapeLiteral(name)})`,
    `comment on table public.${q} is ${escapeLiteral(name)}`,
    ...(i % 5 === 0 ? [`alter table public.${q} owner to ${q}`] : []),
    ...(i % 7 === 0
      ? [`grant select on public.${q} to ${q}; create view ${view} as select * from public.${q}`]
      : []),
    ...(i % 50 === 0 ? [`create schema ${q}; create table ${q}.${q} (${q} int)`] : []),
  ];
}

describe('hostile names', () => {
  test('of tables, columns, schemas and roles run nothing, and come back as they were', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const names = hostileNames(500);
    const url = await cluster.createDatabase('names');
    await run(url, names.flatMap(statementsFor));
    const source = postgresSource({ name: 'n', url, globals: true });
    const [dump, globals] = await runSource(source, sourceContext(scratchFolder));
    const facts = parseDumpFacts(dump!.facts)!;
    const inPublic = facts.tables.filter((table) => table.schema === 'public').map((table) => table.name);
    assert.deepEqual(new Set(inPublic), new Set(names));
    assert.ok(globals!.bytes.length > 500 * 20);
    for (const parallel of [true, false]) {
      const targetUrl = cluster.urlOf(`names ${parallel}`);
      const { content } = dump!;
      const options = { reader: memoryReader(), content, facts: dump!.facts, targetUrl, scratchFolder };
      const report = await restorePostgres({ ...options, parallel });
      assert.deepEqual([report.path, report.owners], [parallel ? 'tables' : 'archive', 'keep']);
      assert.deepEqual(await verifyPostgresEquality(facts, { url: targetUrl, scratchFolder }), []);
    }
    assertNoCanary('names of tables, columns, schemas or roles');
  });

  test('of databases and logins run nothing', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    for (const name of hostileNames(count(24, 500))) {
      const [database, user] = [`d${name}`, `u${name}`] as const;
      const [d, u] = [quoteName(database), quoteName(user)];
      await run(cluster.url, [`create role ${u} login`, `create database ${d} owner ${u}`]);
      const url = cluster.urlOf(database, { user });
      await run(url, ['create table t as select 1 as one']);
      const [dump] = await runSource(postgresSource({ name: 'd', url }), sourceContext(scratchFolder));
      assert.equal(parseDumpFacts(dump!.facts)!.database, database);
      await run(url, ['drop table t']);
      const { content, facts } = dump!;
      await restorePostgres({
        reader: memoryReader(),
        content,
        facts,
        targetUrl: url,
        scratchFolder,
        role: user,
      });
      await run(cluster.url, [`drop database ${d}`, `drop role ${u}`]);
    }
    assertNoCanary('names of databases or logins');
  });

  test('do run something where somebody is careless with a shell', () => {
    const cwd = cluster.socketFolder;
    for (const name of hostileNames(48)) spawnSync('/bin/sh', ['-c', `echo ${name}`], { cwd, timeout: 5000 });
    assert.throws(() => assertNoCanary('the control'), /something ran/);
  });
});

/** SQL that tries to leave the database it is loaded into. */
function hostileStatements(): string[] {
  const program = `touch ${canary}`;
  return [
    `COPY public.t FROM PROGRAM '${program}';`,
    `COPY (SELECT 1) TO PROGRAM '${program}';`,
    `COPY (SELECT 1) TO '${canary}';`,
    `SELECT lo_export(lo_from_bytea(0, 'x'), '${canary}');`,
    `CREATE FUNCTION public.run() RETURNS integer AS '/usr/lib/libc.so.6', 'system' LANGUAGE c;`,
    `DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''${program}'''; END $$;`,
    `RESET ROLE; SET SESSION AUTHORIZATION DEFAULT; COPY (SELECT 1) TO PROGRAM '${program}';`,
    'ALTER ROLE CURRENT_USER SUPERUSER;',
    'CREATE ROLE another SUPERUSER;',
    `ALTER SYSTEM SET archive_command = '${program}';`,
    'GRANT pg_execute_server_program TO CURRENT_USER;',
    `\\! ${program}\n`,
    `SELECT 1;\n\\! ${program}\n`,
    `\\copy t from program '${program}'\n`,
  ];
}

const TABLE: ArchivePart = {
  id: 10,
  kind: 'TABLE',
  schema: 'public',
  name: 't',
  definition: 'CREATE TABLE public.t (a text);',
};

/** Every hostile statement at every place of an archive that is run. */
function hostileArchives(): { name: string; parts: ArchivePart[] }[] {
  const good = 'COPY public.t (a) FROM stdin;\n';
  const data = (copy: string): ArchivePart => {
    const rows = [`\\\\! touch ${canary}\n`];
    return { ...TABLE, id: 11, kind: 'TABLE DATA', definition: '', copy, rows, dependencies: [10] };
  };
  return hostileStatements().flatMap((sql) => [
    {
      name: `definition ${sql}`,
      parts: [TABLE, { ...TABLE, id: 12, name: 'f', definition: sql }, data(good)],
    },
    { name: `copy statement ${sql}`, parts: [TABLE, data(sql)] },
    { name: `copy statement, then ${sql}`, parts: [TABLE, data(`${good}${sql}`)] },
    {
      name: `name ${sql}`,
      parts: [TABLE, { ...TABLE, id: 12, name: sql, definition: 'SELECT 1;' }, data(good)],
    },
    {
      name: `post-data ${sql}`,
      parts: [TABLE, data(good), { ...TABLE, id: 13, section: 4, definition: sql }],
    },
  ]);
}

/** Loads an archive as its maker would have it loaded: with facts that fit it, and without any. */
async function load(parts: ArchivePart[], targetUrl: string, scratchFolder: string, untrusted: boolean) {
  const { bytes } = writeArchive({ minor: 14 }, parts);
  const { content } = memoryArtifact('db.dump', 'pg-dump', bytes);
  const parser = archiveParser();
  parser.push(bytes);
  const outcomes: string[] = [];
  for (const facts of [asFacts(parser.end()), {}]) {
    const options = { reader: memoryReader(), content, facts, targetUrl, scratchFolder, untrusted };
    const toolFolders = [cluster.binFolder];
    await restorePostgres({ ...options, toolFolders, owners: 'skip' }).then(
      ({ path }) => outcomes.push(path),
      (error: Error) => outcomes.push(error.message),
    );
    await run(targetUrl, ['drop schema public cascade', 'create schema public']).catch(() => {});
  }
  return outcomes;
}

describe('hostile dumps', () => {
  test('run nothing when loaded as untrusted', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    await run(cluster.url, ['create role visitor login', 'create database visited owner visitor']);
    const targetUrl = cluster.urlOf('visited', { user: 'visitor' });
    await run(targetUrl, ['drop schema public cascade', 'create schema public']);
    const outcomes: string[] = [];
    for (const { name, parts } of hostileArchives()) {
      outcomes.push(...(await load(parts, targetUrl, scratchFolder, true)));
      assertNoCanary(name);
    }
    // Most must have got as far as the server: a harness that loads nothing proves nothing.
    assert.ok(
      outcomes.filter((outcome) => /permission denied|must be/.test(outcome)).length > 20,
      outcomes.join('\n'),
    );
    assert.ok(outcomes.includes('tables') && outcomes.includes('archive'));
    const roles = `select count(*) from pg_roles where rolname = 'another' or (rolname = 'visitor' and rolsuper)`;
    assert.equal(await cluster.psql(roles), '0');
  });

  test('are refused as untrusted for a role that may do too much', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    await run(cluster.url, [
      'create role runner login',
      'grant pg_execute_server_program to runner',
      'create role maker login createrole',
    ]);
    const { content } = memoryArtifact('x', 'pg-dump', writeArchive({ minor: 14 }, [TABLE]).bytes);
    for (const user of ['postgres', 'runner', 'maker']) {
      await run(cluster.url, [`create database "for ${user}" owner ${user}`]);
      const targetUrl = cluster.urlOf(`for ${user}`, { user });
      const options = {
        reader: memoryReader(),
        content,
        facts: {},
        targetUrl,
        scratchFolder,
        untrusted: true,
      };
      const refusal = { code: 'target_failed', message: /may do too much/ };
      await assert.rejects(restorePostgres(options), refusal, user);
    }
  });

  test('do run something when a superuser trusts them', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    await run(cluster.url, ['create database trusting']);
    const isProgram = ({ name }: { name: string }) =>
      name.startsWith('definition COPY (SELECT 1) TO PROGRAM');
    const { parts } = hostileArchives().find(isProgram)!;
    await load(parts, cluster.urlOf('trusting'), scratchFolder, false);
    assert.throws(() => assertNoCanary('the control'), /something ran/);
  });
});
