/** Looking into backups through the service: what they hold, folders, single files, what changed, what retention makes of them. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld, person } from '../support/http-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

const V1 = '/api/v1';
const q = encodeURIComponent;

async function backUp(world: HttpWorld, owner: HttpClient, plan = 'nightly'): Promise<string> {
  const { json } = await owner.post(`${V1}/plans/${plan}/run`);
  const job = await world.ended(owner, json.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
  return job.result.backups[0].backupId;
}

test('a backup is looked into: artifacts, tables, folders, files, differences', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const uploads = join(world.folder, 'uploads');
  await mkdir(join(uploads, 'deep', 'er'), { recursive: true });
  await writeFile(join(uploads, 'deep', 'er', 'Logo "ä"; x=1.png'), 'picture');
  await writeFile(join(uploads, 'gone.txt'), 'gone');
  await symlink('/etc/passwd', join(uploads, 'passwords'));
  for (let i = 0; i < 5; i += 1) await writeFile(join(uploads, `n${i}.log`), 'x'.repeat(i));
  const first = await backUp(world, owner);
  await rm(join(uploads, 'gone.txt'));
  await writeFile(join(uploads, 'one.txt'), 'another');
  await writeFile(join(uploads, 'two.txt'), 'two');
  const database = new DatabaseSync(join(world.folder, 'app.db'));
  database.exec('insert into t values (4); create table fresh (a)');
  database.close();
  const second = await backUp(world, owner);
  const at = `${V1}/backups/${first}`;

  const { status, json: shown } = await owner.get(at);
  assert.equal(status, 200);
  assert.equal(shown.content_from, 'main');
  const [app, tree] = ['app', 'uploads'].map((source) =>
    shown.artifacts.find((one: { source: string }) => one.source === source),
  );
  assert.deepEqual([app.kind, app.form, app.tables], ['sqlite', 'stream', [{ name: 't', rows: 3 }]]);
  assert.match(app.sha256, /^[0-9a-f]{64}$/);
  assert.equal(app.facts.tables, undefined);
  assert.deepEqual([tree.form, tree.tables], ['tree', []]);
  assert.deepEqual([shown.holds, shown.proof], [[], { proven_at: null, drills: [] }]);
  await owner.send('PUT', `${at}/hold`, { body: { reason: 'before the upgrade' } });
  assert.equal((await owner.get(at)).json.holds[0].reason, 'before the upgrade');

  const list = async (query: string) => (await owner.get(`${at}/tree?artifact=uploads${query}`)).json;
  const seen: string[] = [];
  let next: string | null = null;
  do {
    const page: { items: { name: string }[]; next: string | null } = await list(
      `&limit=4${next === null ? '' : `&cursor=${q(next)}`}`,
    );
    seen.push(...page.items.map(({ name }) => name));
    next = page.next;
  } while (next !== null);
  assert.deepEqual(seen, [
    ...['deep', 'gone.txt', 'n0.log', 'n1.log', 'n2.log', 'n3.log', 'n4.log', 'one.txt', 'passwords'],
  ]);
  const found = await list('&search=lOgO');
  assert.deepEqual(
    found.items.map(({ path, size_bytes }: Record<string, unknown>) => [path, size_bytes]),
    [['deep/er/Logo "ä"; x=1.png', 7]],
  );
  assert.deepEqual(
    (await list('&path=deep')).items.map(({ path, type }: Record<string, string>) => [path, type]),
    [['deep/er', 'folder']],
  );

  const file = (path: string, artifact = 'uploads') =>
    owner.get(`${at}/file?artifact=${q(artifact)}&path=${q(path)}`);
  const logo = await file(found.items[0].path);
  assert.deepEqual([logo.status, logo.text, logo.headers['content-length']], [200, 'picture', '7']);
  assert.equal(
    logo.headers['content-disposition'],
    `attachment; filename="Logo______x_1.png"; filename*=UTF-8''Logo%20%22%C3%A4%22%3B%20x%3D1.png`,
  );
  const whole = await owner.get(`${at}/file?artifact=${q(app.name)}`);
  assert.equal(whole.bytes.subarray(0, 15).toString(), 'SQLite format 3');
  for (const [path, code] of [
    ...[['passwords', 'item_unknown'] as const, ['deep', 'item_unknown'] as const],
    ...[['../app.db', 'item_unknown'] as const, ['deep/../../app.db', 'item_unknown'] as const],
    ...[['/etc/passwd', 'request_invalid'] as const, ['one.txt\0', 'request_invalid'] as const],
  ]) {
    const refused = await file(path);
    assert.equal(refused.json?.code, code, `${path}: ${refused.text}`);
  }
  assert.equal((await file('one.txt', '../main')).json.code, 'item_unknown');

  const { json: changes } = await owner.get(`${V1}/backups/${second}/compare?artifact=uploads`);
  assert.equal(changes.with.id, first);
  const changed = (name: string) => changes.artifacts.find((one: { name: string }) => one.name === name);
  assert.deepEqual(changed(app.name).tables, [
    { name: 'fresh', change: 'added', rows: 0, rows_before: null },
    { name: 't', change: 'changed', rows: 4, rows_before: 3 },
  ]);
  assert.equal(changed('uploads').change, 'changed');
  assert.deepEqual(
    changes.tree.items.map(({ path, change }: Record<string, string>) => [path, change]),
    [
      ['gone.txt', 'removed'],
      ['one.txt', 'changed'],
      ['two.txt', 'added'],
    ],
  );
  assert.deepEqual(
    [changes.tree.counts.unchanged, changes.tree.bytes_added, changes.tree.bytes_removed],
    [10, 7, 4],
  );
  const actions = world.records.map(({ action }) => action);
  const taken = world.records.find(({ action }) => action === `GET ${V1}/backups/:id/file`);
  assert.deepEqual(taken?.object, { id: first, artifact: 'uploads', path: 'deep/er/Logo "ä"; x=1.png' });
  await untilTrue(async () => (await readdir(join(world.folder, 'home', 'downloads'))).length === 0);
  for (const route of ['tree', 'file', 'compare'])
    assert.ok(actions.includes(`GET ${V1}/backups/:id/${route}`));
});

test('retention is previewed as the dry run says it, and a backup is archived by hand and brought back', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const ids = [await backUp(world, owner), await backUp(world, owner), await backUp(world, owner)];
  const url = `${V1}/plans/nightly/retention-preview`;
  const fateOf = ({
    destinations,
  }: {
    destinations: { items: { id: string; action: string; reasons: { code: string }[] }[] }[];
  }) =>
    Object.fromEntries(
      destinations[0]!.items.map(({ id, action, reasons }) => [
        id,
        [action, ...reasons.map(({ code }) => code)],
      ]),
    );
  const { json: asIs } = await owner.get(url);
  assert.deepEqual([asIs.destinations[0].destination, asIs.destinations[0].going], ['main', 0]);
  assert.deepEqual(fateOf(asIs)[ids[0]!], ['keep', 'within_limits']);
  const { json: fewer } = await owner.post(url, { retention: { keepLast: 1 } });
  assert.deepEqual(fateOf(fewer), {
    [ids[2]!]: ['keep', 'last_good', 'keepLast'],
    [ids[1]!]: ['remove', 'not_selected'],
    [ids[0]!]: ['remove', 'not_selected'],
  });
  const { json: there } = await owner.post(url, { destinations: { main: { keepLast: 2 } } });
  assert.equal(there.destinations[0].going, 1);
  assert.equal((await owner.post(url, { retention: { keepLast: 0 } })).status, 400);
  assert.equal((await owner.get(`${V1}/plans/absent/retention-preview`)).status, 404);
  assert.equal((await owner.get(`${V1}/backups`)).json.items.length, 3, 'a preview changes nothing');

  const at = (id: string) => `${V1}/backups/${id}`;
  const remove = (id: string, query = '?confirm_delete=true') => owner.send('DELETE', `${at(id)}${query}`);
  assert.equal((await remove(ids[0]!, '')).status, 400);
  await owner.send('PUT', `${at(ids[0]!)}/hold`, { body: { reason: 'evidence' } });
  assert.deepEqual((await remove(ids[0]!)).json.code, 'hold_active');
  await owner.send('DELETE', `${at(ids[0]!)}/hold`);
  for (const id of ids.slice(0, 2)) assert.equal((await remove(id)).status, 200);
  const last = await remove(ids[2]!);
  assert.deepEqual([last.status, last.json.code], [409, 'in_use']);
  const archived = (await owner.get(`${V1}/backups?archived=true`)).json.items;
  assert.deepEqual(
    archived.map(({ id }: { id: string }) => id),
    [ids[1], ids[0]],
  );
  const kept = await owner.get(`${at(ids[0]!)}/tree?artifact=uploads`);
  assert.equal(kept.json.items[0].name, 'one.txt', 'also in the archive');
  assert.equal((await owner.post(`${at(ids[0]!)}/undelete`)).status, 200);
  assert.equal((await owner.get(`${V1}/backups`)).json.items.length, 2);
  assert.equal((await remove(ids[2]!)).status, 200);
  assert.equal((await remove(ids[0]!, '?confirm_delete=true&last_good=true')).status, 200);
});

test('whoever belongs to another tenant learns nothing; viewers see no content of files; what is gone is said', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  for (const id of ['acme', 'rival']) await owner.post(`${V1}/tenants`, { id, name: id });
  const body = { sources: ['app', 'uploads'], destination: 'main', tenantId: 'acme' };
  await owner.post(`${V1}/plans`, { name: 'acme-daily', body });
  const [ours, acmes] = [await backUp(world, owner), await backUp(world, owner, 'acme-daily')];
  const rival = await person(world, owner, 'rival@example.org', null, { rival: 'admin' });
  const acme = await person(world, owner, 'acme@example.org', null, { acme: 'admin' });
  const viewer = await person(world, owner, 'viewer@example.org', 'viewer');
  const at = `${V1}/backups/${acmes}`;
  const paths = [
    ...['', '/tree?artifact=uploads', '/file?artifact=uploads&path=one.txt', '/compare'].map(
      (one) => `${at}${one}`,
    ),
    `${V1}/plans/acme-daily/retention-preview`,
  ];
  for (const path of paths) {
    const refused = await rival.get(path);
    assert.deepEqual([refused.status, refused.json.code], [403, 'not_permitted'], path);
    assert.equal((await acme.get(path)).status, 200, path);
  }
  assert.equal((await rival.send('DELETE', `${at}?confirm_delete=true`)).status, 403);
  assert.equal((await rival.post(paths.at(-1)!, {})).status, 403);
  const sideways = await acme.get(`${at}/compare?with=${ours}`);
  assert.deepEqual([sideways.status, sideways.json.code], [403, 'not_permitted'], 'nor by comparing with it');
  assert.equal((await viewer.get(paths[1]!)).status, 200);
  assert.equal((await viewer.get(paths[2]!)).status, 403);
  assert.equal((await viewer.send('DELETE', `${at}?confirm_delete=true`)).status, 403);

  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  assert.equal((await owner.get(paths[2]!)).json.code, 'proof_needed');
  await rm(join(world.folder, 'main'), { recursive: true });
  const { status, json } = await owner.get(at);
  assert.deepEqual([status, json.content_from, json.content_error.code], [200, null, 'repository_missing']);
  assert.equal(json.artifacts.find(({ name }: { name: string }) => name === 'uploads').form, null);
});

test('retention of a plan leaves what it backed up for the tenant it belonged to before', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  for (const id of ['acme', 'rival']) await owner.post(`${V1}/tenants`, { id, name: id });
  const body = { sources: ['uploads'], destination: 'main', tenantId: 'acme', retention: { keepLast: 5 } };
  await owner.post(`${V1}/plans`, { name: 'daily', body });
  const former = [await backUp(world, owner, 'daily'), await backUp(world, owner, 'daily')];
  const rivals = { ...body, tenantId: 'rival', retention: { keepLast: 1 } };
  const moved = { body: rivals, tenant_id: 'rival', version: 1 };
  assert.equal((await owner.send('PUT', `${V1}/plans/daily`, { body: moved })).status, 200);
  const own = [await backUp(world, owner, 'daily'), await backUp(world, owner, 'daily')];
  const { status, json } = await owner.post(`${V1}/rotate`, { plan: 'daily' });
  assert.equal(status, 202);
  await world.ended(owner, json.job_id);
  const left = (await owner.get(`${V1}/backups`)).json.items.map(({ id }: { id: string }) => id);
  assert.deepEqual(left.sort(), [...former, own[1]].sort());
});

test('a file whose reading could not be recorded is not sent, and does not lie about', async (t) => {
  let isRecorded = true;
  const world = await httpWorld(t, {
    extraRoutes: (app) =>
      app.addHook('onSend', async () => {
        if (!isRecorded) throw new Error('the ledger is not there');
      }),
  });
  const owner = await world.owner();
  await world.withPlan(owner);
  const file = `${V1}/backups/${await backUp(world, owner)}/file?artifact=uploads&path=one.txt`;
  assert.equal((await owner.get(file)).text, 'one');
  isRecorded = false;
  const { status, text } = await owner.get(file);
  isRecorded = true;
  assert.deepEqual([status, text.includes('one.txt')], [500, false]);
  await untilTrue(async () => (await readdir(join(world.folder, 'home', 'downloads'))).length === 0);
});

test('what a server that was killed left of downloads is gone when the next one starts', async (t) => {
  const folder = await temporaryFolder(t);
  const left = join(folder, 'home', 'downloads', 'file-left');
  await mkdir(left, { recursive: true });
  await httpWorld(t, { folder });
  await assert.rejects(readdir(left), { code: 'ENOENT' });
});
