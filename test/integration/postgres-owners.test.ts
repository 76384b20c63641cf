/** Owners, grants and policies where the target's roles are not those of the source. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { postgresSource, restorePostgres } from '../../src/engine/sources/postgres/index.ts';
import { plainDump } from '../support/plain-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { type MemoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCHEMA = new URL('../support/awkward-schema.sql', import.meta.url);

let cluster: Cluster;
/** A server that knows none of the roles. */
let other: Cluster;
let dump: MemoryArtifact;

before(async () => {
  [cluster, other] = await Promise.all([startCluster(), startCluster()]);
  const roles = ['"awkward owner"', 'reader', "plain login password 'pw'"];
  await cluster.psql(roles.map((role) => `create role ${role};`).join(' '));
  const url = await cluster.createDatabase('awkward');
  await cluster.psql(await readFile(SCHEMA, 'utf8'), 'awkward');
  const [first] = await runSource(postgresSource({ name: 'a', url }), sourceContext(cluster.socketFolder));
  dump = first!;
});
after(() => Promise.all([cluster?.stop(), other?.stop()]));

async function dumpInto(t: TestContext, targetUrl: string) {
  const { content, facts } = dump;
  return { reader: memoryReader(), content, facts, targetUrl, scratchFolder: await temporaryFolder(t) };
}

describe('restoring for somebody else', () => {
  test('leaves owners and grants out where the roles are missing, and says so', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const own = await cluster.createDatabase('granted');
    await cluster.psql('create table shared (id int); grant select on shared to reader', 'granted');
    const [granted] = await runSource(postgresSource({ name: 's', url: own }), sourceContext(scratchFolder));
    const warnings: string[] = [];
    const report = await restorePostgres({
      reader: memoryReader(),
      content: granted!.content,
      facts: granted!.facts,
      targetUrl: other.urlOf('app'),
      scratchFolder,
      progress: { phase() {}, advance() {}, warn: (message) => warnings.push(message) },
    });
    assert.equal(report.owners, 'skip');
    assert.match(warnings.join(), /no role reader/);
    assert.equal(await other.psql('select count(*) from shared', 'app'), '0');
  });

  test('never leaves a row-level policy out in silence', async (t) => {
    const options = await dumpInto(t, other.urlOf('policies'));
    await assert.rejects(restorePostgres(options), {
      code: 'database_failed',
      message: /role "reader" does not exist/,
    });
    assert.equal(await other.psql(`select count(*) from pg_database where datname = 'policies'`), '0');
  });

  test('makes missing roles on a throwaway server, so that owners, grants and policies are kept', async (t) => {
    const options = await dumpInto(t, other.urlOf('awkward'));
    const report = await restorePostgres({ ...options, createMissingRoles: true });
    assert.equal(report.owners, 'keep');
    assert.equal(plainDump(other, 'awkward'), plainDump(cluster, 'awkward'));
    assert.equal(await other.psql(`select rolcanlogin from pg_roles where rolname = 'reader'`), 'f');
  });

  test('loads as an ordinary role into a database of its own', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const own = await cluster.createDatabase('simple');
    await cluster.psql(
      `create table notes (id serial primary key, body text); insert into notes (body) values ('a'), (E'b\\n');
       create schema s; create table s.more as select g from generate_series(1, 1000) g;`,
      'simple',
    );
    const [simple] = await runSource(postgresSource({ name: 's', url: own }), sourceContext(scratchFolder));
    await cluster.psql('create database "of plain" owner plain template template0');
    const targetUrl = cluster.urlOf('of plain', { user: 'plain', password: 'pw' });
    const { content, facts } = simple!;
    const report = await restorePostgres({
      reader: memoryReader(),
      content,
      facts,
      targetUrl,
      scratchFolder,
    });
    assert.deepEqual([report.path, report.owners, report.rows], ['tables', 'skip', 1002]);
    assert.equal(
      await cluster.psql(
        `select distinct tableowner from pg_tables where schemaname in ('public', 's')`,
        'of plain',
      ),
      'plain',
    );
    assert.equal(await cluster.psql(`select nextval('notes_id_seq')`, 'of plain'), '3');
  });
});
