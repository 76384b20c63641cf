/** What goes wrong is told by its code, and no password shows anywhere. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { postgresSource, restorePostgres } from '../../src/engine/sources/postgres/index.ts';
import { fakePgDump } from '../support/fake-pg-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { memoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PASSWORD = "geheim: 'p@ss\\w%rd/ü";

let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ auth: 'scram', tcp: true });
  await cluster.psql(`create role app login password '${PASSWORD.replaceAll("'", "''")}'`);
  await cluster.createDatabase('app');
  await cluster.psql(
    `create table open_table (id int); insert into open_table values (1); grant select on open_table to app;`,
    'app',
  );
});
after(() => cluster?.stop());

const login = (database = 'app') => cluster.urlOf(database, { user: 'app', password: PASSWORD });

async function attempt(url: string, folder: string, more: object = {}): Promise<unknown> {
  return runSource(postgresSource({ name: 'app', url, ...more }), sourceContext(folder)).catch(
    (error) => error,
  );
}

/** Checks code and message, and that neither message nor causes repeat the password. */
function assertFailure(error: unknown, code: string, message: RegExp): void {
  assert.ok(error instanceof HoldfastError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    assert.ok(
      !one.message.includes('geheim') && !one.message.includes(encodeURIComponent('geheim:')),
      one.message,
    );
  }
}

describe('connecting', () => {
  test('works by socket and by TCP, with a password full of special characters', async (t) => {
    const folder = await temporaryFolder(t);
    const secret = encodeURIComponent(PASSWORD);
    for (const url of [
      login(),
      `postgresql://app:${secret}@127.0.0.1:${cluster.port}/app`,
      `postgres://app:${secret}@localhost:${cluster.port}/app?sslmode=prefer&schema=public`,
      `postgres:///app?host=${cluster.socketFolder}&port=${cluster.port}&user=app&password=${secret}`,
    ]) {
      const artifacts = await attempt(url, folder);
      assert.ok(Array.isArray(artifacts), `${artifacts}`);
    }
  });

  test('tells wrong password, missing role, missing database, and nobody there', async (t) => {
    const folder = await temporaryFolder(t);
    const wrong = cluster.urlOf('app', { user: 'app', password: 'geheimnis' });
    assertFailure(await attempt(wrong, folder), 'database_auth', /password authentication failed/);
    assertFailure(await attempt(cluster.urlOf('app', { user: 'app' }), folder), 'database_auth', /password/);
    const nobody = cluster.urlOf('app', { user: 'nobody here', password: 'geheim: x' });
    assertFailure(await attempt(nobody, folder), 'database_auth', /nobody here/);
    assertFailure(await attempt(login('missing'), folder), 'source_missing', /missing/);
    const socket = 'postgres://app:geheim@%2Fno%2Fsuch%2Ffolder/app';
    assertFailure(await attempt(socket, folder), 'database_unreachable', /no\/such\/folder/);
    assertFailure(
      await attempt('postgres://app:geheim@127.0.0.1:1/app', folder),
      'database_unreachable',
      /127\.0\.0\.1/,
    );
    assertFailure(
      await attempt('postgres://app:geheim@no-such.invalid/app', folder),
      'database_unreachable',
      /no-such/,
    );
    const strict = `postgres://app:geheim@127.0.0.1:${cluster.port}/app?sslmode=require`;
    assertFailure(await attempt(strict, folder), 'database_unreachable', /SSL/);
  });

  test('refuses what a target’s login may not do in a restore’s words', async (t) => {
    const { content } = memoryArtifact('x', 'pg-dump', await validDump(await temporaryFolder(t)));
    const options = { reader: memoryReader(), content, facts: {}, scratchFolder: await temporaryFolder(t) };
    const missing = restorePostgres({ ...options, targetUrl: login('not_there') });
    assertFailure(
      await missing.catch((error) => error),
      'target_failed',
      /permission denied to create database/,
    );
    const wrong = restorePostgres({
      ...options,
      targetUrl: cluster.urlOf('app', { user: 'app', password: 'geheim' }),
    });
    assertFailure(await wrong.catch((error) => error), 'database_auth', /password authentication failed/);
  });
});

async function validDump(folder: string): Promise<Buffer> {
  const [dump] = await runSource(postgresSource({ name: 'x', url: login() }), sourceContext(folder));
  return dump!.bytes;
}

describe('dumping', () => {
  test('tells tables that may not be read, locks held for long, and interrupts', async (t) => {
    const folder = await temporaryFolder(t);
    for (const tools of ['auto', 'copy']) {
      await cluster.psql('create table closed (id int)', 'app');
      assertFailure(await attempt(login(), folder, { tools }), 'source_denied', /closed/);
      await cluster.psql('drop table closed', 'app');

      await cluster.psql(
        `create table hidden (id int); grant select on hidden to app; alter table hidden enable row level security`,
        'app',
      );
      assertFailure(await attempt(login(), folder, { tools }), 'source_denied', /hidden/);
      await cluster.psql('drop table hidden', 'app');

      const holding = new Client({ connectionString: cluster.urlOf('app') });
      await holding.connect();
      await holding.query('begin; lock table open_table');
      const options = { tools, lockTimeoutMs: 300 };
      assertFailure(await attempt(login(), folder, options), 'source_busy', /lock|open_table/);
      await holding.end();
    }
    const stop = new AbortController();
    const session = await postgresSource({ name: 'x', url: login() }).open(
      sourceContext(folder, stop.signal),
    );
    const artifact = session.artifacts[0]!;
    assert.ok(artifact.form === 'stream');
    const produced = artifact.produce({ write: () => stop.abort(), cut() {} });
    await assert.rejects(produced, { code: 'interrupted' });
    await session.close();
    await session.close();
  });

  test('hands a child its login by environment alone, and nothing else of ours', async (t) => {
    const folder = await temporaryFolder(t);
    const seen = join(folder, 'seen');
    const script = `tr '\\0' '\\n' </proc/$$/cmdline >'${seen}.args'; env >'${seen}.env'; exec "$REAL" "$@"`;
    const toolFolders = [fakePgDump(join(folder, 'tools'), cluster.binFolder, script)];
    process.env.BACKUP_ENCRYPTION_KEY = 'hfk1-canary';
    t.after(() => {
      delete process.env.BACKUP_ENCRYPTION_KEY;
    });
    const scratch = await temporaryFolder(t);
    assert.ok(Array.isArray(await attempt(login(), scratch, { toolFolders })));
    const args = await readFile(`${seen}.args`, 'utf8');
    assert.ok(args.includes('--format=custom') && !args.includes('geheim'), args);
    const environment = await readFile(`${seen}.env`, 'utf8');
    assert.ok(environment.includes(`PGPASSWORD=${PASSWORD}`));
    const names = environment
      .split('\n')
      .map((line) => line.split('=')[0]!)
      .filter((name) => name !== '');
    const ofLogin = 'PG(HOST|PORT|USER|DATABASE|PASSWORD|PASSFILE|APPNAME)';
    const stdbuf = 'LD_PRELOAD|_STDBUF_O';
    const allowed = new RegExp(`^(${ofLogin}|${stdbuf}|PATH|HOME|LC_ALL|PWD|SHLVL|_)$`);
    assert.deepEqual(
      names.filter((name) => !allowed.test(name)),
      [],
    );
    assert.deepEqual(await readdir(scratch), []);
  });

  test('passes a failing tool’s message on without the password', async (t) => {
    const folder = await temporaryFolder(t);
    const script = 'echo "pg_dump: error: odd trouble with $PGPASSWORD" >&2; exit 1';
    const toolFolders = [fakePgDump(join(folder, 'tools'), cluster.binFolder, script)];
    assertFailure(await attempt(login(), folder, { toolFolders }), 'source_failed', /odd trouble with …/);
  });
});
