import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { newSetupToken } from '../../src/server/access/setup.ts';
import { count } from '../support/counts.ts';
import { dayZero } from '../support/day-zero.ts';
import { type HttpWorld, httpWorld, OWNER } from '../support/http-world.ts';
import { untilTrue } from '../support/until-true.ts';

const claim = (world: HttpWorld, token: string, name: string) =>
  world.client().send('POST', '/api/setup/owner', {
    body: { ...OWNER, name },
    headers: { authorization: `Bearer ${token}` },
  });

test('of many who claim at once with the token one becomes owner, without it nobody', async (t) => {
  const world = await httpWorld(t);
  const claims = count(40, 200);
  const strangers = await Promise.all(
    Array.from({ length: claims }, (_, i) => claim(world, `hfsetup_${i}`, `thief${i}@example.org`)),
  );
  assert.deepEqual([...new Set(strangers.map(({ json }) => json.code))], ['setup_token_wrong']);
  assert.equal((await world.client().get('/api/setup')).json.owned, false);
  const race = await Promise.all(
    Array.from({ length: claims }, (_, i) => claim(world, world.setupToken, `owner${i}@example.org`)),
  );
  assert.equal(race.filter(({ status }) => status === 201).length, 1);
  const others = new Set(race.filter(({ status }) => status !== 201).map(({ json }) => json.code));
  assert.deepEqual(
    [...others].filter((code) => !['setup_closed', 'setup_token_wrong', 'too_many_attempts'].includes(code)),
    [],
  );
  const rows = await world.catalog.db.selectFrom('users').select(['name', 'role']).execute();
  assert.equal(rows.length, 1, 'the losers left nothing');
});

test('the token is stored as a hash only, is used up, and a restart opens nothing', async (t) => {
  const world = await httpWorld(t);
  const stored = await world.catalog.db.selectFrom('one_time_codes').selectAll().execute();
  assert.equal(stored.length, 1);
  assert.ok(!JSON.stringify(stored).includes(world.setupToken));
  await world.owner();
  assert.equal((await claim(world, world.setupToken, 'second@example.org')).json.code, 'setup_closed');
  assert.equal(await newSetupToken(world.catalog), null, 'a start with an owner makes no token');
  const restarted = await httpWorld(t, { folder: world.folder });
  assert.equal(restarted.setupToken, '');
  assert.equal((await claim(restarted, world.setupToken, 'second@example.org')).json.code, 'setup_closed');
});

test('the database itself refuses a second owner', async (t) => {
  const world = await httpWorld(t);
  await world.owner();
  const row = await world.catalog.db.selectFrom('users').selectAll().executeTakeFirstOrThrow();
  await assert.rejects(
    world.catalog.db
      .insertInto('users')
      .values({ ...row, id: 'x', name: 'x' })
      .execute(),
    /UNIQUE/i,
  );
});

test('before there is an owner, only setup answers', async (t) => {
  const world = await httpWorld(t);
  const client = world.client();
  for (const path of [
    '/api/v1/plans',
    '/api/v1/session',
    '/api/openapi.json',
    '/api/admin/backups',
    '/metrics',
  ]) {
    assert.deepEqual((await client.get(path)).json.code, 'setup_needed', path);
  }
  assert.equal((await client.post('/api/v1/session', OWNER)).json.code, 'setup_needed');
  assert.equal((await client.get('/healthz')).status, 200);
});

test('a weak password is refused, and the token stays good', async (t) => {
  const world = await httpWorld(t);
  for (const password of ['short', 'password123', 'aaaaaaaaaaaaaaaa', 'owner@example.org!']) {
    const { status, json } = await world.client().send('POST', '/api/setup/owner', {
      body: { ...OWNER, password },
      headers: { 'x-setup-token': world.setupToken },
    });
    assert.deepEqual([status, json.code], [422, 'password_weak'], password);
    assert.ok(!JSON.stringify(json).includes(password), 'the password is not repeated');
  }
  await world.owner();
});

/** A backup of `app` and `uploads` of one server, as a bundle. */
async function bundleOf(world: HttpWorld): Promise<Buffer> {
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, json.job_id);
  const [backup] = (await owner.get('/api/v1/backups')).json.items;
  return (await owner.get(`/api/v1/backups/${backup.id}/download`)).bytes;
}

test('day-0: a bundle that another key sealed is named as such', async (t) => {
  const bundle = await bundleOf(await httpWorld(t));
  const fresh = await httpWorld(t, { environment: { HOLDFAST_UPLOAD_LIMIT_BYTES: '1000000' } });
  const setup = dayZero(fresh);
  const upload = await setup.upload(bundle);
  assert.equal(upload.status, 201, upload.text);
  assert.equal(upload.json.size_bytes, bundle.length);
  const wrong = await setup.post('open', {
    upload_id: upload.json.upload_id,
    encryption_key: 'another key altogether',
  });
  const failed = await setup.settled(wrong.json.restore_id);
  assert.deepEqual([failed.state, failed.error.code], ['failed', 'key_wrong']);
});

test('day-0 with the right key restores everything, also files', async (t) => {
  const source = await httpWorld(t);
  const bundle = await bundleOf(source);
  const fresh = await httpWorld(t);
  const { post, upload: send, settled } = dayZero(fresh);
  const form = [
    '--edge\r\ncontent-disposition: form-data; name="file"; filename="b.enc"\r\ncontent-type: application/octet-stream\r\n\r\n',
    '\r\n--edge--\r\n',
  ];
  const upload = await send(
    Buffer.concat([Buffer.from(form[0]!), bundle, Buffer.from(form[1]!)]),
    'multipart/form-data; boundary=edge',
  );
  assert.equal(upload.json.size_bytes, bundle.length, upload.text);
  const opened = await post('open', { upload_id: upload.json.upload_id, encryption_key: source.keyText });
  const { restore_id } = opened.json;
  const view = await settled(restore_id);
  assert.equal(view.state, 'opened', JSON.stringify(view));
  assert.deepEqual(view.backup.artifacts.map(({ name }: { name: string }) => name).sort(), [
    'app.db',
    'uploads',
  ]);
  const to = join(fresh.folder, 'placed');
  assert.equal((await post('apply', { restore_id, targets: [{ to }] })).status, 400, 'not confirmed');
  assert.equal(
    (await post('apply', { restore_id, targets: [{ to: 'here' }], confirm_restore: true })).status,
    400,
  );
  await post('apply', { restore_id, targets: [{ to }], confirm_restore: true });
  const done = await settled(restore_id);
  assert.equal(done.state, 'restored', JSON.stringify(done.error));
  assert.equal(await readFile(join(to, 'uploads', 'one.txt'), 'utf8'), 'one');
  await fresh.owner();
  const late = await post('status', { restore_id });
  assert.equal(late.json.code, 'setup_closed');
});

test('day-0 in production fills what is empty, and replaces nothing unless the server was started for it', async (t) => {
  const source = await httpWorld(t);
  const bundle = await bundleOf(source);
  for (const consent of ['', 'true']) {
    const environment = { NODE_ENV: 'production', CONFIRM_RESTORE_IN_PROD: consent };
    const fresh = await httpWorld(t, { environment });
    const setup = dayZero(fresh);
    const { restoreId, view } = await setup.open(bundle, source.keyText);
    assert.equal(view.state, 'opened');
    const live = join(fresh.folder, 'live.db');
    await writeFile(live, 'what production works with');
    const apply = async (to: string) => {
      const targets = [{ item: 'app.db', to }];
      await setup.post('apply', { restore_id: restoreId, targets, confirm_restore: true });
      return setup.settled(restoreId);
    };
    assert.equal((await apply(join(fresh.folder, 'new.db'))).state, 'restored');
    const { state, error, kept } = await apply(live);
    const isKept = (await readFile(live, 'latin1')) === 'what production works with';
    if (consent) {
      assert.deepEqual([state, isKept, kept.length, kept[0].target], ['restored', false, 1, live]);
      assert.equal(await readFile(kept[0].kept_at, 'latin1'), 'what production works with');
      const { json: switches } = await (await fresh.owner()).get('/api/v1/restores/switches');
      assert.deepEqual(
        switches.items.map((one: { target: string; state: string }) => [one.target, one.state]),
        [[live, 'switched']],
        'and the way back is there for the owner',
      );
    } else assert.deepEqual([state, error.code, isKept], ['failed', 'target_not_empty', true]);
  }
});

test('day-0 takes plans, settings and tenants over from a catalog that was backed up', async (t) => {
  const source = await httpWorld(t);
  const owner = await source.owner();
  await source.withPlan(owner);
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  await owner.send('PATCH', '/api/v1/settings', {
    body: { tenant_id: 'acme', settings: { 'retention.days': 9 } },
  });
  const path = join(source.folder, 'home', 'catalog.db');
  await owner.post('/api/v1/sources', { name: 'holdfast', body: { kind: 'sqlite', path } });
  const address = join(source.folder, 'lost');
  await owner.post('/api/v1/destinations', { name: 'lost', body: { address } });
  await owner.post('/api/v1/plans', { name: 'own', body: { sources: ['holdfast'], destination: 'main' } });
  const { json } = await owner.post('/api/v1/plans/own/run');
  assert.equal((await source.ended(owner, json.job_id)).status, 'succeeded');
  const [backup] = (await owner.get('/api/v1/backups?plan=own')).json.items;
  const bundle = (await owner.get(`/api/v1/backups/${backup.id}/download`)).bytes;

  await rm(address, { recursive: true, force: true });
  await writeFile(address, 'no folder any more');
  const fresh = await httpWorld(t, { environment: { BACKUP_ENCRYPTION_KEY: source.keyText } });
  const setup = dayZero(fresh);
  const { restoreId, view } = await setup.open(bundle, source.keyText);
  const [artifact] = view.backup.artifacts;
  await setup.post('apply', { restore_id: restoreId, catalog: artifact.name, confirm_restore: true });
  const done = await setup.settled(restoreId);
  assert.deepEqual(
    done.taken_over,
    { plans: 2, sources: 3, destinations: 2, channels: 0, tenants: 1 },
    JSON.stringify(done.error),
  );
  const client = await fresh.owner();
  assert.equal((await client.get('/api/v1/plans/nightly')).status, 200);
  const { json: settings } = await client.get('/api/v1/settings?tenant_id=acme');
  assert.equal(settings.settings['retention.days'].value, 9);
  const { json: backups } = await client.get('/api/v1/backups');
  assert.equal(backups.items.length, 1, 'what its destinations hold is known from the start');
  assert.equal(done.warnings.length, 1);
  assert.match(done.warnings[0], /^destination lost could not be read: /);
});

test('truncated, oversized, mislabelled and unannounced uploads leave nothing', async (t) => {
  const world = await httpWorld(t, { environment: { HOLDFAST_UPLOAD_LIMIT_BYTES: '1000' } });
  const headers = { 'x-setup-token': world.setupToken, 'content-type': 'application/octet-stream' };
  const upload = (raw: Buffer, more: Record<string, string> = {}) =>
    world.client().send('POST', '/api/setup/restore/upload', { raw, headers: { ...headers, ...more } });
  const left = () => readdir(join(world.folder, 'home', 'uploads')).catch(() => []);
  assert.deepEqual((await upload(Buffer.alloc(1001))).json.code, 'request_too_large');
  assert.deepEqual((await upload(Buffer.alloc(0))).json.code, 'upload_incomplete');
  assert.equal((await upload(Buffer.alloc(10), { 'x-content-sha256': '00' })).json.code, 'upload_incomplete');
  assert.equal(
    (await upload(Buffer.alloc(10), { 'content-type': 'text/plain' })).json.code,
    'content_type_refused',
  );
  assert.equal(
    (await upload(Buffer.alloc(10), { 'x-setup-token': 'hfsetup_no' })).json.code,
    'setup_token_wrong',
  );
  const cut = await upload(
    Buffer.from('--edge\r\ncontent-disposition: form-data; name="file"; filename="b"\r\n\r\nhalf'),
    {
      'content-type': 'multipart/form-data; boundary=edge',
    },
  );
  assert.equal(cut.status, 400, cut.text);
  await cutOff(world.address, headers);
  await untilTrue(async () => (await left()).length === 0);
  assert.deepEqual(await left(), []);
  assert.equal((await upload(Buffer.alloc(10))).status, 201, 'a whole one is taken');
});

/** Announces 900 bytes, sends 100, and hangs up. */
function cutOff(address: string, headers: Record<string, string>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const request = httpRequest(`${address}/api/setup/restore/upload`, {
    ...{ method: 'POST', agent: false },
    headers: { ...headers, 'content-length': '900' },
  });
  request.on('error', () => resolve());
  request.write(Buffer.alloc(100), () => request.destroy());
  return promise;
}
