/** What there is to back up is found: databases of a real server, SQLite files by what they are, and both by the command line. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { discoverPayload } from '../../src/contracts/cli-payloads.ts';
import { parseConfig } from '../../src/contracts/config-file.ts';
import { codeOf, discoverPostgres, discoverSqlite, type FoundSqlite } from '../../src/engine/index.ts';
import { findDatabases } from '../../src/engine/sources/sqlite/discover/find-databases.ts';
import { DISCOVERY_LIMITS } from '../../src/engine/sources/sqlite/index.ts';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';
import { deepTemporaryFolder } from '../support/deep-folder.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOSTILE = [`it's "quoted"`, 'line\nbreak', '${HOME}', 'per%cent/slash?', 'Grüße', '--help', ' '];
const never = new AbortController().signal;

let cluster: Cluster;
before(async () => {
  cluster = await startCluster({ auth: 'scram', tcp: true });
  await cluster.psql(`create role app login password 'app secret'`);
  for (const name of [...HOSTILE, 'orders', 'closed', 'hidden', 'partly', 'latin']) {
    const more = name === 'latin' ? ` encoding latin1 template template0 locale 'C'` : '';
    await cluster.psql(`create database "${name.replaceAll('"', '""')}"${more}`);
  }
  await cluster.psql('alter database closed allow_connections false');
  await cluster.psql('revoke connect on database hidden from public');
  await cluster.psql(
    'create table open (a int); grant select on open to app; create table shut (a int)',
    'partly',
  );
  // The bytes of its name are those of the encoding that its maker was in.
  await cluster.psql(`set client_encoding = 'UTF8'; create database "café"`, 'latin');
});
after(() => cluster?.stop());

test('every database of a server is found, with what the login may do there', async () => {
  const found = await discoverPostgres(cluster.urlOf('is not there'), { signal: never });
  const names = ['postgres', 'orders', 'closed', 'hidden', 'partly', 'latin', 'caf\\xe9', ...HOSTILE];
  assert.deepEqual(found.map(({ name }) => name).sort(), names.sort());
  const orders = found.find(({ name }) => name === 'orders')!;
  const { sizeBytes, ...rest } = orders;
  assert.deepEqual(rest, {
    ...{ name: 'orders', isNameable: true, owner: 'postgres', encoding: 'UTF8' },
    ...{ mayConnect: true, mayRead: true, problem: null },
  });
  assert.ok(sizeBytes! > 1_000_000, 'as much as an empty one takes');
  assert.equal(found.find(({ name }) => name === 'latin')!.encoding, 'LATIN1');
  for (const name of HOSTILE) assert.equal(found.find((one) => one.name === name)!.mayRead, true, name);
  assert.deepEqual(
    found.filter(({ problem }) => problem !== null).map(({ name, isNameable }) => [name, isNameable]),
    [
      ['caf\\xe9', false],
      ['closed', true],
    ],
  );
});

test('an ordinary login learns what it may read, and no more', async () => {
  const url = cluster.urlOf('orders', { user: 'app', password: 'app secret' });
  const found = new Map((await discoverPostgres(url, { signal: never })).map((one) => [one.name, one]));
  assert.equal(found.get('orders')!.mayRead, true);
  assert.ok(found.get('orders')!.sizeBytes! > 0);
  assert.deepEqual(
    ['hidden', 'closed', 'partly'].map((name) => {
      const { mayConnect, mayRead, problem } = found.get(name)!;
      return [mayConnect, mayRead, problem];
    }),
    [
      [false, null, 'this login may not connect to it'],
      [false, null, 'it takes no connections'],
      [true, false, '1 table or sequence cannot be read by this login'],
    ],
  );
  assert.equal(found.get('hidden')!.sizeBytes, null);
});

test('a server that does not answer, a wrong password and an end in between are told apart', async () => {
  const wrong = cluster.urlOf('orders', { user: 'app', password: 'guessed wrong' });
  await assert.rejects(discoverPostgres(wrong, { signal: never }), (error: Error) => {
    assert.equal(codeOf(error), 'database_auth');
    return !error.message.includes('guessed wrong');
  });
  await assert.rejects(discoverPostgres('postgres://a@127.0.0.1:1/x', { signal: never }), {
    code: 'database_unreachable',
  });
  await assert.rejects(discoverPostgres(cluster.url, { signal: AbortSignal.abort() }), {
    code: 'interrupted',
  });
});

function makeDatabase(file: string, journal: 'wal' | 'delete' = 'delete'): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`pragma journal_mode = ${journal}; create table t (a); insert into t values (1)`);
  return database;
}

async function found(folder: string, limits = {}, signal = never): Promise<FoundSqlite[]> {
  const all: FoundSqlite[] = [];
  for await (const one of discoverSqlite(folder, signal, limits)) all.push(one);
  return all;
}

const pathsOf = (all: readonly FoundSqlite[]) =>
  all.flatMap((one) => (one.kind === 'found' ? [one.path] : []));

test('SQLite files are found by what they are, whatever their names, and nothing else is', async (t) => {
  const folder = await temporaryFolder(t);
  const names = ['app.db', 'no suffix', 'deep/er/file.txt', `it's "quoted"\n.db`, '${HOME}.db', '.hidden'];
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
  for (const name of names) makeDatabase(join(folder, name)).close();
  const raw = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]);
  makeDatabase(join(folder, 'moved')).close();
  renameSync(join(folder, 'moved'), raw);
  writeFileSync(join(folder, 'liar.sqlite'), 'SQLite format 2, and more than twenty bytes');
  writeFileSync(join(folder, 'short.sqlite'), 'SQLite format 3\0');
  writeFileSync(join(folder, 'empty.sqlite'), '');
  symlinkSync(join(folder, 'app.db'), join(folder, 'link.db'));
  symlinkSync(folder, join(folder, 'deep', 'loop'));
  const live = makeDatabase(join(folder, 'live'), 'wal');
  t.after(() => live.close());
  const all = await found(folder);
  const wanted = [...names, 'live'].map((name) => join(folder, name));
  assert.deepEqual(pathsOf(all).sort(), [...wanted, `${folder}/caf\\xe9`].sort());
  const of = (name: string) => all.find((one) => one.kind === 'found' && one.path === join(folder, name));
  const seen = of('live');
  assert.ok(seen?.kind === 'found' && seen.journalMode === 'wal');
  assert.ok(seen.sizeBytes > 3 * 4096, 'with the log beside it');
  assert.ok(Math.abs(seen.modifiedAtMs - Date.now()) < 600_000);
  const other = of('app.db');
  assert.ok(other?.kind === 'found' && other.journalMode === 'delete' && other.sizeBytes === 8192);
  assert.deepEqual(
    all.filter((one) => one.kind === 'found' && !one.isNameable).length,
    1,
    'the name that is no UTF-8',
  );
  assert.deepEqual(pathsOf(await found(join(folder, 'app.db'))), [join(folder, 'app.db')], 'a file itself');
});

/** Whether another process could write now. */
function isLocked(file: string): boolean {
  const program = `const { DatabaseSync } = require('node:sqlite');
    try { new DatabaseSync(process.argv[1]).exec('begin immediate'); } catch { process.exit(7); }`;
  const { status } = spawnSync(process.execPath, ['-e', program, file]);
  assert.ok(status === 0 || status === 7, `exit ${status}`);
  return status === 7;
}

test('looking keeps the locks that this process has; negative control: from within it gives them up', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'held.db');
  const database = makeDatabase(file);
  t.after(() => database.close());
  database.exec('begin immediate');
  assert.deepEqual(pathsOf(await found(folder)), [file]);
  assert.ok(isLocked(file));
  assert.equal([...findDatabases(Buffer.from(folder), DISCOVERY_LIMITS)].length, 2);
  assert.ok(!isLocked(file), 'the negative control');
});

test('limits are told, what cannot be read is told, and an end ends it', async (t) => {
  const folder = deepTemporaryFolder(t);
  mkdirSync(join(folder, 'a', 'b', 'c'), { recursive: true });
  for (const name of ['one', 'a/two', 'a/b/three', 'a/b/c/four']) makeDatabase(join(folder, name)).close();
  const limitsOf = (all: readonly FoundSqlite[]) =>
    all.flatMap((one) => (one.kind === 'limit' ? [one.limit] : []));
  assert.deepEqual(limitsOf(await found(folder)), []);
  const shallow = await found(folder, { depth: 2 });
  assert.deepEqual([pathsOf(shallow).length, limitsOf(shallow)], [3, ['depth']]);
  const few = await found(folder, { found: 2 });
  assert.deepEqual([pathsOf(few).length, limitsOf(few)], [2, ['found']]);
  assert.deepEqual(limitsOf(await found(folder, { entries: 3 })), ['entries']);
  await assert.rejects(found(join(folder, 'nothing')), { code: 'source_missing' });
  await assert.rejects(found(folder, {}, AbortSignal.abort()), { code: 'interrupted' });
  const stopping = new AbortController();
  await assert.rejects(
    async () => {
      for await (const _ of discoverSqlite(folder, stopping.signal)) stopping.abort();
    },
    { code: 'interrupted' },
  );
  for await (const _ of discoverSqlite(folder, never)) break;
  const long = 'n'.repeat(250);
  let deep = folder;
  // Its path is longer than the system takes, which not even root can read.
  for (let i = 0; i < 9; i += 1) deep = join(deep, long);
  mkdirSync(deep, { recursive: true });
  lengthen(folder, long);
  const told = (await found(folder)).filter((one) => one.kind === 'unreadable');
  assert.equal(told.length, 1);
  assert.equal(told[0]!.cause, 'ENAMETOOLONG');
});

/** Puts the nine long folders below nine others. */
function lengthen(folder: string, long: string): void {
  let deep = join(folder, 'm'.repeat(250));
  for (let i = 0; i < 8; i += 1) deep = join(deep, 'm'.repeat(250));
  mkdirSync(deep, { recursive: true });
  renameSync(join(folder, long), join(deep, 'x'));
}

const discovered = (text: string) => discoverPayload.parse(JSON.parse(text));

async function atServer(
  t: TestContext,
): Promise<{ here: Place; url: string; environment: Record<string, string> }> {
  const here = await place(t);
  const url = `postgres://app@127.0.0.1:${cluster.port}/orders`;
  return { here, url, environment: { PGPASSWORD: 'app secret' } };
}

test('the command line lists both, and writes sources that back up as they are', async (t) => {
  const { here, url, environment } = await atServer(t);
  const run = succeeded(await here.holdfast(['discover', url, '.', '--json'], { environment }));
  const { databases, sources, limits, unreadable } = discovered(run.stdout);
  assert.deepEqual([limits, unreadable], [[], []]);
  const file = { kind: 'sqlite', path: join(here.folder, 'app.db') };
  assert.deepEqual(
    Object.values(sources).filter(({ kind }) => kind === 'sqlite'),
    [file],
  );
  assert.deepEqual(sources.orders, { kind: 'postgres', url });
  assert.equal(
    databases.filter(({ source }) => source === null).length,
    4,
    'closed, hidden, partly, and no UTF-8',
  );
  const text = succeeded(await here.holdfast(['discover', url, '.'], { environment })).stdout;
  assert.match(text, /DATABASE +SIZE +OWNER +ENCODING +CAN BE BACKED UP\n/);
  assert.match(text, /^line\\x0abreak +[\d.]+ MiB +postgres +UTF8 +yes$/m);
  assert.match(text, /^hidden +\? +postgres +UTF8 +this login may not connect to it$/m);
  const yaml = succeeded(await here.holdfast(['discover', url, '.', '--yaml'], { environment })).stdout;
  assert.ok(!yaml.includes('secret'));
  assert.match(yaml, /^# left out: partly: 1 table or sequence cannot be read by this login$/m);
  assert.deepEqual(parse(yaml).sources, sources);
  const config = `${yaml}plans:\n  all:\n    sources: [${Object.keys(sources).join(', ')}]\n`;
  assert.ok('config' in parseConfig(config));
  writeFileSync(join(here.folder, 'holdfast.yaml'), config);
  const backup = succeeded(await here.holdfast(['backup', 'all', '--json'], { environment }));
  assert.equal(JSON.parse(backup.stdout).status, 'succeeded');
});

test('a password never stands in what is written: its variable does', async (t) => {
  const { here } = await atServer(t);
  const url = `postgres://app:app%20secret@127.0.0.1:${cluster.port}/orders`;
  const secrets = ['app%20secret', 'app secret'];
  const typed = succeeded(await here.holdfast(['discover', url, '--yaml']));
  assert.match(typed.stderr, /put it into the variable DATABASE_URL/);
  assert.deepEqual(parse(typed.stdout).sources.orders, { kind: 'postgres', urlEnv: 'DATABASE_URL' });
  assert.deepEqual(parse(typed.stdout).sources.latin, {
    ...{ kind: 'postgres', urlEnv: 'DATABASE_URL', database: 'latin' },
  });
  const held = succeeded(
    await here.holdfast(['discover', url, '--yaml'], { environment: { SHOP_URL: url } }),
  );
  assert.equal(parse(held.stdout).sources.orders.urlEnv, 'SHOP_URL');
  for (const { stdout, stderr } of [typed, held]) {
    for (const secret of secrets) assert.ok(!`${stdout}${stderr}`.includes(secret));
  }
  writeFileSync(join(here.folder, 'holdfast.yaml'), `${typed.stdout}plans:\n  one:\n    sources: [latin]\n`);
  const environment = { DATABASE_URL: url };
  succeeded(await here.holdfast(['backup', 'one'], { environment }));
  const shown = succeeded(await here.holdfast(['show', 'latest', '--json'], { environment }));
  const { artifacts } = JSON.parse(shown.stdout);
  assert.equal(artifacts[0].facts.database, 'latin', 'the other database of the server');
  const guess = { environment: { PGPASSWORD: 'guessed' } };
  const plain = url.replace(':app%20secret', '');
  failed(await here.holdfast(['discover', plain, '--json'], guess), 6, 'database_auth', ['guessed']);
});
