/** Restores by the service into a real database and files: planned, beside, exchanged, taken back, in place, one tenant, one table. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dayZero } from '../support/day-zero.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld, person } from '../support/http-world.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

const RESTORES = '/api/v1/restores';

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

const rows = async (database: string) => Number(await cluster.psql('select count(*) from orders', database));
const databases = async (like: string) =>
  (await cluster.psql(`select datname from pg_database where datname like '${like}' order by 1`))
    .split('\n')
    .filter(Boolean);

/** A database of 30 rows of two tenants that is backed up and has lost all but five of them since. */
async function shop(world: HttpWorld, owner: HttpClient): Promise<string> {
  const url = await cluster.createDatabase('shop');
  await cluster.psql(
    `create table orders (id int primary key, tenant_id text not null);
     create table prices (id int primary key, tenant_id text not null default 'rest');
     insert into orders select i, case when i % 3 = 0 then 'acme' else 'rest' end from generate_series(1, 30) i;
     insert into prices (id) select generate_series(1, 7)`,
    'shop',
  );
  await owner.post('/api/v1/destinations', {
    name: 'main',
    body: { address: join(world.folder, 'main'), minimumFreeBytes: 0 },
  });
  await owner.post('/api/v1/sources', { name: 'shop', body: { kind: 'postgres', url } });
  const made = await owner.post('/api/v1/plans', {
    name: 'nightly',
    body: { sources: ['shop'], destination: 'main' },
  });
  assert.equal(made.status, 201, made.text);
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  const job = await world.ended(owner, json.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
  await cluster.psql('delete from orders where id > 5', 'shop');
  return job.result.backups[0].backupId;
}

test('a database is restored by the service, in every way, and back', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const id = await shop(world, owner);
  const ask = async (path: string, body: object) => {
    const asked = await owner.post(path, { to: 'shop', grace_seconds: 0, confirm_restore: true, ...body });
    assert.equal(asked.status, 202, asked.text);
    return world.ended(owner, asked.json.job_id);
  };
  const restore = (body: object) => ask(RESTORES, { backup_id: id, ...body });
  const done = async (job: ReturnType<typeof restore>) => {
    const { status, error, result } = await job;
    assert.equal(status, 'succeeded', JSON.stringify(error));
    return result;
  };

  const { status, json: plan } = await owner.post(`${RESTORES}/plan`, { backup_id: id, to: 'shop' });
  assert.equal(status, 200, JSON.stringify(plan));
  const dump = plan.steps.find(({ kind }: { kind: string }) => kind === 'pg-dump');
  assert.deepEqual([dump.rows, dump.tables, dump.replaces], [37, 2, true]);
  assert.deepEqual([plan.there.kind, plan.there.tables, plan.replaces], ['database', 2, true]);
  assert.ok(plan.there.size_bytes > 1_000_000);
  assert.deepEqual([plan.safety_backup, plan.obstacles], [true, []]);
  assert.match(plan.words.join('\n'), /37 rows in 2 tables.*in place of what is there[\s\S]*backed up first/);
  assert.equal(await rows('shop'), 5, 'a plan changes nothing');

  // Beside: the live one stays.
  const beside = await done(restore({ mode: 'beside' }));
  const [name] = await databases('shop\\_restored\\_%');
  assert.equal(await rows(name!), 30);
  assert.equal(await rows('shop'), 5);
  assert.deepEqual([beside.safetyBackupId, String(beside.target).includes(name!)], [null, true]);
  const again = await restore({ mode: 'beside' });
  assert.equal(again.error.code, 'target_not_empty');
  const { json: taken } = await owner.post(`${RESTORES}/plan`, { backup_id: id, to: 'shop', mode: 'beside' });
  assert.equal(taken.obstacles.length > 0, true);

  // Safe: exchanged by name, the old one kept, and back.
  const safe = await done(restore({}));
  assert.equal(await rows('shop'), 30);
  assert.equal(await rows(safe.kept[0]!.keptAt), 5);
  const { json: safety } = await owner.get(`/api/v1/backups/${safe.safetyBackupId}`);
  assert.deepEqual([safety.plan, safety.artifacts.length > 0], ['before-restore', true]);
  const listed = async () => (await owner.get(`${RESTORES}/switches`)).json.items;
  const [one] = await listed();
  assert.deepEqual([one.state, one.backup_id, one.safety_backup_id], ['switched', id, safe.safetyBackupId]);
  await done(ask(`${RESTORES}/switch-back`, { to: one.target }));
  assert.equal(await rows('shop'), 5);
  assert.equal((await listed())[0].state, 'switched-back');
  await done(ask(`${RESTORES}/drop-old`, {}));
  assert.deepEqual(await listed(), []);
  assert.equal((await ask(`${RESTORES}/drop-old`, {})).error.code, 'usage');

  // One tenant: first what would change, then done.
  const planned = await done(restore({ tenant: 'acme', plan_only: true }));
  const changes: { table: string; inserts: number }[] = planned.plan.tables;
  assert.equal(changes.find(({ table }) => table.endsWith('orders'))?.inserts, 9);
  assert.deepEqual([planned.applied, await rows('shop')], [false, 5]);
  const tenant = await done(restore({ tenant: 'acme' }));
  assert.equal(await rows('shop'), 14);
  assert.ok(tenant.safetyBackupId);

  // One table, into a database that has not got it; what is there stays.
  await cluster.psql('drop table prices', 'shop');
  await done(restore({ item: `${dump.item}/public.prices` }));
  assert.equal(await cluster.psql('select count(*) from prices', 'shop'), '7');
  assert.equal(await rows('shop'), 14);

  // In place: nothing is kept but the safety backup.
  const replaced = await done(restore({ mode: 'replace' }));
  assert.equal(await rows('shop'), 30);
  assert.deepEqual([replaced.kept, await listed()], [[], []]);
  assert.deepEqual(await databases('shop%'), ['shop', name]);

  const { json: all } = await owner.get(RESTORES);
  assert.deepEqual(all.items[0].request, {
    ...{
      action: 'restore',
      backup_id: id,
      item: null,
      to: 'shop',
      mode: 'replace',
      tenant: null,
      plan_only: false,
    },
  });
  const actions = all.items.map(({ request }: { request: { action: string } }) => request.action);
  assert.ok(actions.includes('switch-back') && actions.includes('drop-old'));
  const recorded = world.records.find(({ action }) => action === `POST ${RESTORES}`);
  assert.deepEqual(recorded?.object, { backup_id: id, to: 'shop', mode: 'beside' });
  assert.ok(!JSON.stringify(world.records).includes(cluster.password || 'no password'));
});

test('files are restored beside, exchanged and taken back; nobody does it unconfirmed or from a tenant', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  const id = (await world.ended(owner, json.job_id)).result.backups[0].backupId;
  const file = join(world.folder, 'uploads', 'one.txt');
  await writeFile(file, 'changed');
  const ask = async (path: string, body: object) => {
    const asked = await owner.post(path, { confirm_restore: true, ...body });
    assert.equal(asked.status, 202, asked.text);
    const job = await world.ended(owner, asked.json.job_id);
    assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
    return job.result;
  };
  const wanted = { backup_id: id, item: 'uploads/one.txt', to: file };
  const { json: plan } = await owner.post(`${RESTORES}/plan`, wanted);
  assert.deepEqual([plan.there.kind, plan.there.size_bytes, plan.steps[0].size_bytes], ['file', 7, 3]);
  assert.match(plan.words.join('\n'), /kept beside, until it is dropped/);

  const beside = await ask(RESTORES, { ...wanted, mode: 'beside' });
  assert.equal(await readFile(beside.restored[0].target, 'utf8'), 'one');
  const safe = await ask(RESTORES, wanted);
  assert.equal(await readFile(file, 'utf8'), 'one');
  assert.equal(await readFile(safe.kept[0].keptAt, 'utf8'), 'changed');
  await ask(`${RESTORES}/switch-back`, { to: file });
  assert.equal(await readFile(file, 'utf8'), 'changed');
  await ask(`${RESTORES}/drop-old`, { to: file });
  const replaced = await ask(RESTORES, { ...wanted, mode: 'replace', safety_backup: false });
  assert.deepEqual([replaced.kept, replaced.safetyBackupId], [[], null]);
  assert.equal(await readFile(file, 'utf8'), 'one');

  for (const path of [RESTORES, `${RESTORES}/switch-back`, `${RESTORES}/drop-old`]) {
    const { status } = await owner.post(path, wanted);
    assert.equal(status, 400, `${path} without confirmation`);
  }
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'acme' });
  const tenant = await person(world, owner, 'acme@example.org', null, { acme: 'admin' });
  for (const path of ['', '/plan', '/switch-back', '/drop-old']) {
    const { status } = await tenant.post(`${RESTORES}${path}`, { ...wanted, confirm_restore: true });
    assert.equal(status, 403, path);
  }
  assert.equal((await tenant.get(`${RESTORES}/switches`)).status, 403);
  const missing = await owner.post(`${RESTORES}/plan`, { ...wanted, item: 'uploads/../../app.db' });
  assert.equal(missing.status < 500, true, missing.text);
});

test('day-0 fills an empty database as it is, and one with content gives way and is kept', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await cluster.psql('drop database if exists shop with (force)');
  const id = await shop(world, owner);
  const raw = (await owner.get(`/api/v1/backups/${id}/download`)).bytes;
  const fresh = await httpWorld(t);
  const setup = dayZero(fresh);
  const { restoreId, view } = await setup.open(raw, world.keyText);
  assert.equal(view.state, 'opened');
  const place = async (to: string) => {
    await setup.post('apply', { restore_id: restoreId, targets: [{ to }], confirm_restore: true });
    const { state, kept, error } = await setup.settled(restoreId);
    assert.equal(state, 'restored', JSON.stringify(error));
    return kept;
  };
  const oidOf = (name: string) => cluster.psql(`select oid from pg_database where datname = '${name}'`);
  const empty = await cluster.createDatabase('day_zero');
  const oid = await oidOf('day_zero');
  assert.deepEqual(await place(empty), []);
  assert.deepEqual([await rows('day_zero'), await oidOf('day_zero')], [30, oid], 'the same database');
  await cluster.psql('delete from orders where id > 4', 'day_zero');
  const [kept] = await place(empty);
  assert.equal(await rows('day_zero'), 30);
  assert.equal(await rows(kept.kept_at), 4);
});
