/** Restores over a live database, by the real program: restored beside, exchanged by name, and back. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { restorePayload } from '../../src/contracts/cli-payloads.ts';
import { connectDatabase, parsePostgresAddress } from '../../src/engine/sources/postgres/index.ts';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

const CONFIRMED = ['--confirm-restore', '--json'];
const said = async (at: Place, args: readonly string[]): Promise<unknown> =>
  JSON.parse(succeeded(await at.holdfast(args)).stdout);
const restored = async (at: Place, args: readonly string[]) =>
  restorePayload.parse(await said(at, ['restore', ...args, ...CONFIRMED]));

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
  await cluster.psql('create role web login; create role filler login; create role maker login createdb');
});
after(() => cluster?.stop());

/** A database with 100 rows that is backed up, and has 10 since. */
async function shop(t: TestContext, name: string, owner = 'postgres'): Promise<{ at: Place; url: string }> {
  const at = await place(t);
  await cluster.createDatabase(name);
  await cluster.psql(`alter database ${name} owner to ${owner}`);
  const url = cluster.urlOf(name, { user: owner });
  await sql(url, 'create table t (id int primary key); insert into t select generate_series(1, 100)');
  await said(at, ['backup', url, '--json']);
  await sql(url, 'delete from t where id > 10');
  return { at, url };
}

async function sql(url: string, text: string): Promise<string> {
  const client = await connectDatabase(parsePostgresAddress(url));
  try {
    const { rows = [] } = await client.query(text);
    return rows.length > 0 ? String(Object.values(rows[0])[0]) : '';
  } finally {
    await client.end().catch(() => {});
  }
}

const count = (url: string) => sql(url, 'select count(*) from t');
const others = (name: string) =>
  cluster.psql(`select count(*) from pg_database where datname like '${name}\\_%'`);

test('is restored beside, takes over what the old one had, and goes back', async (t) => {
  const { at, url } = await shop(t, 'shop');
  await cluster.psql(
    `alter database shop set search_path to "$user", app, public; alter database shop connection limit 7;
       revoke connect on database shop from public; grant connect on database shop to web;
       alter role web in database shop set work_mem to '9MB'; comment on database shop is 'it''s ours'`,
  );
  const facts = () =>
    cluster.psql(`select datconnlimit, datallowconn, (select array_agg(a order by a) from unnest(datacl::text[]) a), pg_get_userbyid(datdba), encoding, datcollate,
        shobj_description(oid, 'pg_database'), (select string_agg(setconfig::text || setrole, ';' order by setrole)
        from pg_db_role_setting where setdatabase = d.oid) from pg_database d where datname = 'shop'`);
  const before = await facts();
  const idle = await connectDatabase(parsePostgresAddress(`${url}?application_name=web%20shop`));
  const lost = new Promise<Error>((resolve) => idle.once('error', resolve));
  const run = succeeded(await at.holdfast(['restore', 'latest', '--to', url, ...CONFIRMED]));
  assert.match(run.stderr, /1 session of postgres \(web shop, local\)/);
  assert.match(String(await lost), /terminating connection|Connection terminated/);
  const outcome = restorePayload.parse(JSON.parse(run.stdout));
  assert.equal(await count(url), '100');
  assert.equal(await facts(), before);
  const { keptAt } = outcome.kept[0]!;
  assert.equal(await cluster.psql('select count(*) from t', keptAt), '10');
  assert.ok(outcome.safetyBackupId);
  await said(at, ['restore', 'switch-back', url, ...CONFIRMED]);
  assert.equal(await count(url), '10');
  assert.equal(await facts(), before);
  await said(at, ['restore', 'drop-old', url, ...CONFIRMED]);
  assert.equal(await others('shop'), '0');
});

test('is there for everybody who comes while it is exchanged', async (t) => {
  const { at, url } = await shop(t, 'busy');
  let isOver = false;
  const visitor = async () => {
    const seen: string[] = [];
    while (!isOver) seen.push(await count(url).catch((error: Error) => error.message));
    return seen;
  };
  const visitors = [visitor(), visitor()];
  await restored(at, ['latest', '--to', url, '--grace', '0', '--no-safety-backup']);
  isOver = true;
  const visits = await Promise.all(visitors);
  const seen = visits.flat();
  assert.equal(await count(url), '100');
  const strange = seen.filter(
    (one) => !/^(10|100)$|terminat|does not exist|closed|connection error|ECONNRESET/.test(one),
  );
  assert.deepEqual(strange, []);
  assert.ok(seen.includes('10'));
  // Whoever has seen the new one never sees the old one again.
  for (const one of visits) assert.ok(!/\b100\b.*\b10\b/s.test(one.join()), one.join());
});

test('stays when a login may not create databases, and is filled in place on request', async (t) => {
  const { at, url } = await shop(t, 'plain', 'filler');
  const line = ['restore', 'latest', '--to', url];
  const refused = failed(await at.holdfast([...line, ...CONFIRMED]), 1, 'target_failed');
  assert.match(refused.message, /filler may not create databases/);
  assert.match(refused.next, /--in-place/);
  assert.equal(await count(url), '10');
  const without = await at.holdfast([...line, '--in-place', '--no-safety-backup', ...CONFIRMED]);
  failed(without, 2, 'usage');
  assert.equal(await count(url), '10');
  await cluster.psql('alter schema public owner to filler', 'plain');
  const outcome = await restored(at, ['latest', '--to', url, '--in-place']);
  assert.equal(await count(url), '100');
  await restored(at, [outcome.safetyBackupId!, '--to', url, '--in-place']);
  assert.equal(await count(url), '10');
});

test('is exchanged by its owner, who is no superuser', async (t) => {
  const { at, url } = await shop(t, 'owned', 'maker');
  await restored(at, ['latest', '--to', url]);
  assert.equal(await count(url), '100');
  const busy = await connectDatabase(parsePostgresAddress(cluster.urlOf('owned')));
  const refused = failed(
    await at.holdfast(['restore', 'switch-back', url, '--grace', '0', ...CONFIRMED]),
    1,
    'target_busy',
  );
  assert.match(refused.message, /in use/);
  assert.equal(await count(url), '100');
  await busy.end();
  await said(at, ['restore', 'switch-back', url, ...CONFIRMED]);
  assert.equal(await count(url), '10');
});
