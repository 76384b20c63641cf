/** Tenants through the command line: a dump of everybody, of which one comes back, and an export of one. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCluster } from '../support/postgres-cluster.ts';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCHEMA = `
create table tenants (id int primary key, name text);
create table notes (id serial primary key, tenant_id int references tenants, body text);
create table words (note int references notes, word text); create table globals (x int);
insert into tenants select g, 'name ' || g from generate_series(1, 50) g;
insert into notes (tenant_id, body) select 1 + g % 50, 'body ' || g from generate_series(1, 500) g;
insert into words select id, 'w' || id from notes`;

const ALL = `select md5(string_agg(x, '|' order by x)) from (select t::text x from tenants t where id ? union all
  select n::text from notes n where tenant_id ? union all
  select w::text from words w join notes n on n.id = w.note where tenant_id ?) y`;

test('one tenant comes back out of the dump of a shared database, and out of an export', async (t) => {
  const folder = await temporaryFolder(t);
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const url = await cluster.createDatabase('shared');
  await cluster.psql(SCHEMA, 'shared');
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `destinations: { main: { address: ./repository } }
sources:
  shared:
    kind: postgres
    url: ${url}
    extracts: { names.csv: { query: select name from tenants order by id } }
    tables: [notes]
    tenant: { rules: { globals: skip } }
  seven: { kind: postgres, url: "${url}", tenant: { id: "7", rules: { globals: skip } } }
plans:
  all: { sources: [shared] }
  one: { sources: [seven] }
`,
  );
  const run = async (status: number, ...args: string[]) => {
    const result = await runCli(args, { folder });
    assert.equal(result.status, status, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
    return result;
  };
  await run(0, 'init');
  const one = JSON.parse((await run(0, 'backup', 'one', '--json')).stdout).backupId as string;
  const backedUp = JSON.parse((await run(0, 'backup', 'all', '--json')).stdout);
  assert.deepEqual(
    backedUp.artifacts.map(({ name, kind }: { name: string; kind: string }) => [name, kind]),
    [
      ['db.dump', 'pg-dump'],
      ['names.csv', 'extract-csv'],
      ['tables/notes.ndjson', 'table-ndjson'],
    ],
  );
  const mine = ALL.replaceAll('?', '= 7');
  const theirs = ALL.replaceAll('?', '<> 7');
  const wanted = await cluster.psql(mine, 'shared');
  const harm = `delete from words; delete from notes where id % 3 = 0; update tenants set name = 'x'`;
  await cluster.psql(harm, 'shared');
  const others = await cluster.psql(theirs, 'shared');
  const restore = ['restore', 'latest', '--tenant', '7', '--to', url];
  const plan = await runCli(restore, { folder });
  assert.notEqual(plan.status, 0);
  assert.match(plan.stderr, /--confirm-restore/);
  assert.match(plan.stderr, /words: 0 to delete, 10 to insert, 0 to update/);
  assert.match(plan.stderr, /tenants: 0 to delete, 0 to insert, 1 to update/);
  assert.notEqual(await cluster.psql(mine, 'shared'), wanted);
  const done = JSON.parse((await run(0, ...restore, '--confirm-restore', '--json')).stdout);
  assert.equal(done.applied, true);
  assert.equal(await cluster.psql(mine, 'shared'), wanted);
  assert.equal(await cluster.psql(theirs, 'shared'), others);
  await cluster.psql(`delete from words where note in (select id from notes where tenant_id = 7)`, 'shared');
  // Without --tenant, the one would take the place of all.
  const whole = await runCli(['restore', one, '--to', url, '--confirm-restore', '--no-safety-backup'], {
    folder,
  });
  assert.match(whole.stderr, /holds the tenant 7 alone/);
  assert.equal(await cluster.psql(theirs, 'shared'), others);
  const first = ['restore', one, '--tenant', '7', '--to', url, '--confirm-restore'];
  await run(0, ...first);
  assert.equal(await cluster.psql(mine, 'shared'), wanted);
  assert.equal(await cluster.psql(theirs, 'shared'), others);
  const other = await runCli(['restore', one, '--tenant', '8', '--to', url, '--confirm-restore'], {
    folder,
  });
  assert.match(other.stderr, /holds the tenant 7, not 8/);
});
