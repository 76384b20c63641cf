/** Looking into backups through the service: what they hold, folders, single files, what changed, what retention makes of them. */
import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld, person } from '../support/http-world.ts';

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
  for (const route of ['tree', 'file', 'compare'])
    assert.ok(actions.includes(`GET ${V1}/backups/:id/${route}`));
});
void before;
void person;
