import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openBundle, silentProgress } from '../../src/engine/index.ts';
import { httpWorld } from '../support/http-world.ts';

const ADMIN = '/api/admin/backups';
const FUNCTIONS = '/functions/v1/backup-trigger';

test('every route of the administration answers as promised, on one real backup', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);

  const triggered = await owner.post(`${ADMIN}/trigger`, {});
  assert.equal(triggered.status, 202);
  assert.deepEqual(Object.keys(triggered.json).sort(), ['job_id', 'outcome', 'status', 'trigger_id']);
  assert.equal(triggered.json.outcome, 'accepted');
  const job = await world.ended(owner, triggered.json.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job));

  const { json: list } = await owner.get(ADMIN);
  assert.equal(list.items.length, 1);
  const [backup] = list.items;
  assert.equal(backup.plan, 'nightly');
  assert.ok(Math.abs(Date.parse(backup.timestamp) - Date.now()) < 120_000);
  assert.deepEqual(backup.databases, { app: 8192 });
  assert.equal(backup.job_id, triggered.json.job_id);

  const { json: history } = await owner.get(`${ADMIN}/triggers`);
  assert.deepEqual(
    history.items.map((one: Record<string, unknown>) => [
      one.id,
      one.via,
      one.requested_by,
      one.status,
      one.backup_id,
    ]),
    [[triggered.json.trigger_id, 'api', 'owner@example.org', 'succeeded', backup.id]],
  );

  const download = await owner.get(`${ADMIN}/${backup.id}/download`);
  assert.equal(download.status, 200);
  assert.match(
    String(download.headers['content-disposition']),
    /^attachment; filename="full_.*\.tar\.gz\.enc"$/,
  );
  const file = join(world.folder, 'bundle');
  await writeFile(file, download.bytes);
  const folder = join(world.folder, 'opened');
  const { signal } = new AbortController();
  const opened = await openBundle({
    file,
    folder,
    keyTexts: [world.keyText],
    progress: silentProgress,
    signal,
  });
  assert.equal(opened.backupId, backup.id);
  const copy = new DatabaseSync(join(folder, 'app.db'), { readOnly: true });
  assert.deepEqual(copy.prepare('select sum(a) as sum from t').get()!.sum, 6);
  copy.close();
  assert.equal(await readFile(join(folder, 'uploads', 'one.txt'), 'utf8'), 'one');
  const recorded = world.records.find(({ action }) => action === `GET ${ADMIN}/:id/download`);
  assert.deepEqual(recorded?.object, { id: backup.id });
  assert.equal(recorded?.actor, 'owner@example.org');

  const made = await owner.post(`${ADMIN}/generate-encryption-key`);
  assert.match(made.json.encryption_key, /^hfk1-/);
  assert.match(made.json.key_id, /^[0-9a-f]{16}$/);
  const again = await owner.post(`${ADMIN}/generate-encryption-key`);
  assert.notEqual(again.json.encryption_key, made.json.encryption_key);
  assert.equal(made.headers['cache-control'], 'no-store');
});

test('the configuration is read and changed; versions are heeded', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: before } = await owner.get(`${ADMIN}/config`);
  assert.equal(before.plan, 'nightly');
  assert.equal(before.schedule, '0 3 * * 1');
  assert.deepEqual(before.retention, { days: 365, versions: 52 });
  assert.deepEqual(before.destinations[0].encryption.key_set, true);
  const change = {
    version: before.version,
    schedule: '30 1 * * *',
    databases: { app: { hour: 2, retention_days: 30 } },
    retention: { keep_last: 7 },
  };
  const { status, json: after } = await owner.send('PUT', `${ADMIN}/config`, { body: change });
  assert.equal(status, 200, JSON.stringify(after));
  assert.equal(after.schedule, '30 1 * * *');
  assert.deepEqual(after.databases, {
    app: { enabled: true, hour: 2, retention_days: 30, size_bytes: null },
  });
  assert.deepEqual(after.retention, { keep_last: 7 });
  assert.deepEqual(after.sources, before.sources);
  const { json: usual } = await owner.send('PUT', `${ADMIN}/config`, {
    body: { version: after.version, databases: { uploads: {}, app: {} } },
  });
  assert.deepEqual(
    Object.entries(usual.databases).map(([name, one]) => [name, (one as { hour: number }).hour]),
    [
      ['uploads', 2],
      ['app', 3],
    ],
  );
  const stale = await owner.send('PUT', `${ADMIN}/config`, { body: change });
  assert.equal(stale.status, 409);
  assert.equal(stale.json.code, 'document_changed');
  const blind = await owner.send('PUT', `${ADMIN}/config`, { body: { schedule: null } });
  assert.equal(blind.status, 409);
  const { json: upcoming } = await owner.get('/api/v1/schedule');
  assert.ok(upcoming.items.some((run: { part: string | null }) => run.part === 'app'));
  assert.ok(upcoming.items.every((run: { kind: string }) => run.kind === 'backup'));
});

test('the key of a service that wraps the key of a destination is read, changed and taken away', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: before } = await owner.get(`${ADMIN}/config`);
  assert.equal(before.destinations[0].encryption.encryption_key_id, null);
  let { version } = before;
  const put = async (encryption_key_id: string | null, s3_destination?: string) => {
    const answer = await owner.send('PUT', `${ADMIN}/config`, {
      body: { version, encryption_key_id, ...(s3_destination ? { s3_destination } : {}) },
    });
    if (answer.status === 200) version = answer.json.version;
    return answer;
  };
  const stored = async () => (await owner.get('/api/v1/destinations/main')).json.body;
  const unchanged = await stored();

  for (const id of ['vault-transit:transit/app', 'aws-kms:arn:aws:kms:eu-central-1:123456789012:key/1-2']) {
    const { json } = await put(id, 'main');
    assert.equal(json.destinations[0].encryption.encryption_key_id, id, JSON.stringify(json));
    assert.deepEqual(await stored(), { ...unchanged, keys: { encryptionKeyId: id } });
  }
  const malformed = await put('hfk1-AAAA-not-a-reference', 'main');
  assert.equal(malformed.status, 400);
  assert.equal(malformed.json.errors[0].field, 'encryption_key_id');
  assert.doesNotMatch(malformed.text, /not-a-reference/, 'what may be a secret is not repeated');
  const unknown = await put('vault-transit:transit/app');
  assert.equal(unknown.json.code, 'document_unknown');
  assert.match(unknown.json.next, /s3_destination/);

  const { json: after } = await put(null, 'main');
  assert.equal(after.destinations[0].encryption.encryption_key_id, null);
  assert.deepEqual(await stored(), unchanged);
});

test('an S3 test says what is wrong, and refuses addresses that hand out credentials', async (t) => {
  const world = await httpWorld(t, { environment: { HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1' } });
  const owner = await world.owner();
  const keys = { access_key_id: 'AKTEST', secret_access_key: 'SKTEST' };
  for (const endpoint of ['http://169.254.169.254', 'http://[fd00:ec2::254]', 'http://10.0.0.1:9000']) {
    const refused = await owner.post(`${ADMIN}/test-s3`, { bucket: 'backups', endpoint, ...keys });
    assert.equal(refused.json.code, 'address_refused', refused.text);
  }
  const missing = await owner.post(`${ADMIN}/test-s3`, {});
  assert.equal(missing.status, 400);
  assert.deepEqual(missing.json.errors[0].field, 'bucket');
});

test('the functions: trigger by tenant and type, history, settings, test-upload, health', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  const body = { sources: ['app', 'uploads'], destination: 'main', tenantId: 'acme' };
  assert.equal((await owner.post('/api/v1/plans', { name: 'acme-daily', body })).status, 201);

  assert.equal((await owner.get(`${FUNCTIONS}/health`)).json.status, 'warning');
  const triggered = await owner.post(`${FUNCTIONS}/trigger`, { tenant_id: 'acme', type: 'db' });
  assert.equal(triggered.status, 202, triggered.text);
  const job = await world.ended(owner, triggered.json.job_id);
  assert.deepEqual([job.status, job.tenant_id, job.plan], ['succeeded', 'acme', 'acme-daily']);
  const unknown = await owner.post(`${FUNCTIONS}/trigger`, { tenant_id: 'nobody' });
  assert.deepEqual([unknown.status, unknown.json.code], [404, 'tenant_unknown']);

  const { json: history } = await owner.get(`${FUNCTIONS}/history?tenant_id=acme`);
  assert.deepEqual(
    history.items.map((one: { type: string; status: string }) => [one.type, one.status]),
    [['db', 'succeeded']],
  );
  const { json: health } = await owner.get(`${FUNCTIONS}/health`);
  const acme = health.tenants.find((one: { tenant_id: string | null }) => one.tenant_id === 'acme');
  assert.equal(acme.status, 'healthy');
  assert.equal(acme.hours_since_proven_restore, null);
  assert.equal(
    health.tenants.find((one: { tenant_id: string | null }) => one.tenant_id === null).status,
    'warning',
  );

  const changed = await owner.post(`${FUNCTIONS}/settings`, {
    tenant_id: 'acme',
    settings: { 'retention.days': 30 },
  });
  assert.equal(changed.status, 200);
  const { json: own } = await owner.get(`${FUNCTIONS}/settings?tenant_id=acme`);
  assert.deepEqual(
    [own.settings['retention.days'].value, own.settings['retention.days'].from],
    [30, 'tenant'],
  );
  const { json: all } = await owner.get(`${FUNCTIONS}/settings`);
  assert.deepEqual(
    [all.settings['retention.days'].value, all.settings['retention.days'].from],
    [365, 'default'],
  );

  const upload = await owner.post(`${FUNCTIONS}/test-upload`, { destination: 'main' });
  assert.deepEqual([upload.status, upload.json.ok], [200, true]);
  assert.equal(upload.json.destinations[0].destination, 'main');
});

test('an idempotency key gives the same run, and a refusal stays in the history', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const headers = { 'idempotency-key': 'once-please' };
  const send = () => owner.send('POST', `${ADMIN}/trigger`, { body: {}, headers });
  const first = await send();
  await world.ended(owner, first.json.job_id);
  const second = await send();
  assert.deepEqual([second.json.job_id, second.json.outcome], [first.json.job_id, 'duplicate']);
  const refused = await owner.post(`${ADMIN}/trigger`, { plan: 'absent' });
  assert.deepEqual([refused.status, refused.json.code], [404, 'plan_unknown']);
  const { json } = await owner.get(`${ADMIN}/triggers?limit=1`);
  assert.equal(json.items[0].outcome, 'refused');
  const page = await owner.get(`${ADMIN}/triggers?limit=1&after=${json.next}`);
  assert.equal(page.json.items[0].outcome, 'duplicate');
});

test('a restore by the API puts a file back; without confirmation nothing happens', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, json.job_id);
  const [backup] = (await owner.get('/api/v1/backups')).json.items;
  const target = join(world.folder, 'back');
  const asked = { backup_id: backup.id, to: target };
  const unconfirmed = await owner.post('/api/v1/restores', asked);
  assert.equal(unconfirmed.json.errors[0].field, 'confirm_restore');
  const restore = await owner.post('/api/v1/restores', { ...asked, confirm_restore: true });
  assert.equal(restore.status, 202, restore.text);
  assert.equal((await world.ended(owner, restore.json.job_id)).status, 'succeeded');
  assert.equal(await readFile(join(target, 'uploads', 'one.txt'), 'utf8'), 'one');
  const events = await owner.get(`/api/v1/jobs/${restore.json.job_id}/events`);
  assert.match(String(events.headers['content-type']), /^text\/event-stream/);
  assert.match(events.text, /event: status\ndata: .*"succeeded"/);
});

test('in production nothing is restored before whoever runs the server has said so', async (t) => {
  const world = await httpWorld(t, { environment: { HOLDFAST_ENVIRONMENT: 'production' } });
  const owner = await world.owner();
  const body = { to: join(world.folder, 'app.db'), confirm_restore: true };
  const requests = [
    ['/api/v1/restores', { ...body, backup_id: '019b8c18-e380-7f77-86f0-2a31281ee875' }],
    ['/api/v1/restores/switch-back', body],
    ['/api/v1/restores/drop-old', body],
  ] as const;
  for (const [path, asked] of requests) {
    const { json } = await owner.post(path, asked);
    assert.deepEqual(
      [json.code, /CONFIRM_RESTORE_IN_PROD=true/.test(json.next)],
      ['not_confirmed', true],
      path,
    );
  }
});

test('what was done and what was read is in the ledger; where it cannot be written, nothing is given out', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: ran } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, ran.job_id);
  const [backup] = (await owner.get('/api/v1/backups')).json.items;
  assert.equal((await owner.get(`/api/v1/backups/${backup.id}/download`)).status, 200);
  const { json: done } = await owner.get('/api/v1/ledger');
  const actions = done.items.map(({ action }: { action: string }) => action);
  assert.deepEqual(
    ['api.plans.run', 'api.plans', 'api.destinations', 'api.setup.owner'].filter(
      (one) => !actions.includes(one),
    ),
    [],
  );
  const { json: reads } = await owner.get('/api/v1/ledger?stream=org_admin_reads');
  assert.deepEqual(
    reads.items
      .slice(0, 1)
      .map((one: Record<string, unknown>) => [one.action, one.actor_name, one.object_id, one.outcome]),
    [['api.backups.download', 'owner@example.org', backup.id, 'succeeded']],
  );
  assert.equal((await owner.send('HEAD', `/api/v1/backups/${backup.id}/download`)).status, 200);
  const asked = await owner.get('/api/v1/ledger?stream=org_admin_reads');
  assert.deepEqual(
    [asked.json.items[0].detail.request, asked.json.items[0].object_id],
    ['HEAD /api/v1/backups/:id/download', backup.id],
  );
  assert.equal(
    (await owner.send('PUT', `/api/v1/backups/${backup.id}/hold`, { body: { reason: 'x' } })).status,
    200,
  );
  const { json: about } = await owner.get(`/api/v1/ledger?object_id=${backup.id}`);
  const objects = about.items.map((one: Record<string, unknown>) => [one.action, one.object_id]);
  assert.deepEqual(objects, [['api.backups.hold.change', backup.id]], 'of one backup, and of it only');
  const { json: heads } = await owner.get('/api/v1/ledger/heads');
  assert.equal(heads.heads.find(({ stream }: { stream: string }) => stream === 'org_admin_reads').seq, 3);

  await world.catalog.db.schema.dropTable('org_admin_reads').execute();
  const refused = await owner.get(`/api/v1/backups/${backup.id}/download`);
  assert.deepEqual([refused.status, refused.json?.code], [500, 'ledger_not_written']);
});

test('a channel is stored and tested; a private address is refused', async (t) => {
  const world = await httpWorld(t, { environment: { HOOK_SECRET: 'sixteen letters and more' } });
  const owner = await world.owner();
  const body = { kind: 'webhook', url: 'http://127.0.0.1:9/hook', secret: { env: 'HOOK_SECRET' } };
  assert.equal((await owner.post('/api/v1/channels', { name: 'ops', body })).status, 201);
  const { json } = await owner.post('/api/v1/channels/ops/test');
  assert.deepEqual([json.ok, /loopback/.test(json.error)], [false, true], JSON.stringify(json));
  assert.equal((await owner.get('/api/v1/notices')).status, 200);
});

test('maintenance by the API: verify, hold, rotate, undelete, prune', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const run = async () => world.ended(owner, (await owner.post('/api/v1/plans/nightly/run')).json.job_id);
  await run();
  const [first] = (await owner.get('/api/v1/backups')).json.items;
  const verified = await owner.post('/api/v1/verify', { plan: 'nightly' });
  assert.equal((await world.ended(owner, verified.json.job_id)).status, 'succeeded');
  const { json: detail } = await owner.get(`/api/v1/backups/${first.id}`);
  assert.equal(detail.copies[0].verified_good, true);
  // Nobody carries its label, so what is asked for waits.
  const far = { sources: ['app'], destination: 'main', label: 'elsewhere' };
  await owner.post('/api/v1/plans', { name: 'far', body: far });
  const waiting = async (more: object) =>
    (await owner.post('/api/v1/verify', { plan: 'far', ...more })).json.job_id;
  const [all, part, healing] = [
    await waiting({}),
    await waiting({ share: 0.1 }),
    await waiting({ heal: true }),
  ];
  assert.equal(new Set([all, part, healing]).size, 3);
  assert.equal(await waiting({}), all);
  const held = await owner.send('PUT', `/api/v1/backups/${first.id}/hold`, { body: { reason: 'audit' } });
  assert.deepEqual(held.json, { destinations: [{ destination: 'main', error: null }] });
  assert.equal((await owner.get(`/api/v1/backups/${first.id}`)).json.held, true);

  const { json: plan } = await owner.get('/api/v1/plans/nightly');
  const body = { ...plan.body, retention: { versions: 1 } };
  await owner.send('PUT', '/api/v1/plans/nightly', { body: { body, version: plan.version } });
  await run();
  await run();
  const rotate = async () => {
    const { json } = await owner.post('/api/v1/rotate', { plan: 'nightly' });
    assert.equal((await world.ended(owner, json.job_id)).status, 'succeeded');
  };
  await rotate();
  const ids = async (query = '') =>
    (await owner.get(`/api/v1/backups${query}`)).json.items.map(({ id }: { id: string }) => id);
  assert.ok((await ids()).includes(first.id), 'a hold keeps it');
  const archived = await ids('?archived=true');
  assert.equal(archived.length, 1);
  assert.equal((await owner.post(`/api/v1/backups/${archived[0]}/undelete`)).status, 200);
  assert.ok((await ids()).includes(archived[0]));
  assert.equal((await owner.send('DELETE', `/api/v1/backups/${first.id}/hold`)).status, 200);
  await rotate();
  assert.ok((await ids('?archived=true')).includes(first.id), 'released, it goes');
  const pruned = await owner.post('/api/v1/prune', { destination: 'main' });
  assert.equal((await world.ended(owner, pruned.json.job_id)).status, 'succeeded');
  assert.equal((await owner.post('/api/v1/rotate', { plan: 'absent' })).json.code, 'plan_unknown');
});
