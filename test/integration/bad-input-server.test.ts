/** A PostgreSQL server that refuses, or goes away in the middle of a dump or a restore. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { listPayload, restorePayload } from '../../src/contracts/cli-payloads.ts';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';
import { leftOver } from '../support/leftover-processes.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import type { CliRun } from '../support/run-cli.ts';

const SECRET = 'geheim-4711';
const ROWS = 400_000;

let cluster: Cluster;

before(async () => {
  // What was committed before a crash is there after it.
  cluster = await startCluster({ auth: 'scram', tcp: true, settings: { synchronous_commit: 'on' } });
  await cluster.createDatabase('shop');
  await cluster.psql(
    `create table orders (id int, note text);
     insert into orders select i, repeat(md5(i::text), 4) from generate_series(1, ${ROWS}) i;`,
    'shop',
  );
  await cluster.psql(`create role app login superuser password '${SECRET}'`);
});
after(() => cluster?.stop());

const login = (database: string) => cluster.urlOf(database, { user: 'app', password: SECRET });

/** A step of the program under test: a small part of the time in which rows are on their way. */
const STEP_MS = 10;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs a command and ends the server, as a crash would, while rows are on their way: the program runs in small steps and is
 * held in place in between, so that nothing arrives while it is looked at.
 */
async function crashAmidRows(
  { holdfast }: Place,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<CliRun> {
  const started = Promise.withResolvers<ChildProcess>();
  let isOver = false;
  const running = holdfast([...args, '--json'], { onStart: started.resolve, environment }).finally(() => {
    isOver = true;
  });
  const child = await started.promise;
  const client = new Client({ connectionString: cluster.url });
  client.on('error', () => {});
  await client.connect();
  const copying = async () => {
    const { rows } = await client.query(
      `select 1 from pg_stat_activity where state = 'active' and query ilike 'copy %orders%'`,
    );
    return rows.length > 0;
  };
  for (;;) {
    child.kill('SIGSTOP');
    if (await copying()) break;
    child.kill('SIGCONT');
    await pause(STEP_MS);
    assert.ok(!isOver, 'it was over before rows were seen on their way');
  }
  await cluster.crash();
  child.kill('SIGCONT');
  return running;
}

test('a server that is not there, or refuses the login, is named without the password', async (t) => {
  const { folder, holdfast } = await place(t);
  const cases: [string, number, string, RegExp][] = [
    [`postgres://app:${SECRET}@127.0.0.1:1/shop`, 6, 'database_unreachable', /127\.0\.0\.1:1/],
    [cluster.urlOf('shop', { user: 'app', password: `${SECRET}x` }), 6, 'database_auth', /password/],
    [login('no_shop'), 1, 'source_missing', /no_shop/],
  ];
  for (const [address, exit, code, names] of cases) {
    const said = failed(await holdfast(['backup', address, '--json']), exit, code, [SECRET]);
    assert.match(said.message, names);
    assert.match(said.next, /check/);
  }
  assert.ok(!readdirSync(folder).includes('out'));
});

test('a server that goes away amid a dump or a restore leaves earlier backups whole and says what the target holds', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  const environment = { DATABASE_URL: login('shop') };
  await writeFile(
    join(folder, 'holdfast.yaml'),
    'sources: { shop: { kind: postgres, urlEnv: DATABASE_URL } }\nplans: { nightly: { sources: [shop] } }\n',
  );
  succeeded(await holdfast(['backup', 'nightly'], { environment }));
  await cluster.psql(`update orders set note = md5(note) || repeat(md5(id::text), 4)`, 'shop');

  const dump = await crashAmidRows(here, ['backup', 'nightly'], environment);
  const gone = failed(dump, 6, 'database_unreachable', [SECRET]);
  assert.match(gone.message, /shop|server closed|terminating/);
  assert.match(gone.next, /server/);
  assert.deepEqual(await leftOver(folder), []);
  assert.deepEqual(readdirSync(join(home, 'state', 'scratch')), []);
  assert.equal(listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).length, 1);
  succeeded(await holdfast(['verify']));

  await cluster.start();
  const line = ['restore', 'latest', '--to', login('back'), '--confirm-restore'];
  const restore = await crashAmidRows(here, line, environment);
  const lost = failed(restore, 6, 'database_unreachable', [SECRET]);
  assert.match(lost.next, /server; if the database is there then, it holds a part of the backup: drop it/);
  assert.deepEqual(await leftOver(folder), []);
  await cluster.start();
  // Nobody could drop it while the server was gone; what it holds is never taken for the backup: it gives way.
  const again = succeeded(await holdfast([...line, '--json']));
  assert.match(restorePayload.parse(JSON.parse(again.stdout)).kept[0]!.keptAt, /^back_before_/);
  const rows = () => cluster.psql('select count(*) from orders', 'back');
  assert.equal(await rows(), String(ROWS));

  // The same over a database that is whole: it stays so, and the next restore drops what was begun beside it.
  await cluster.psql('delete from orders where id = 1', 'back');
  const beside = await crashAmidRows(here, [...line, '--no-safety-backup'], environment);
  assert.match(failed(beside, 6, 'database_unreachable', [SECRET]).next, /drops the database back_holdfast_/);
  await cluster.start();
  assert.equal(await rows(), String(ROWS - 1));
  const begun = `select count(*) from pg_database where datname like 'back\\_holdfast\\_%'`;
  assert.equal(await cluster.psql(begun), '1');
  succeeded(await holdfast([...line, '--no-safety-backup']));
  assert.deepEqual([await rows(), await cluster.psql(begun)], [String(ROWS), '0']);
  succeeded(await holdfast(['backup', 'nightly'], { environment }));
  succeeded(await holdfast(['verify']));
});
