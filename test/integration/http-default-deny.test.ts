import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPEN_ROUTES } from '../../src/server/http/open-routes.ts';
import { requireAccess } from '../../src/server/http/route-access.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld, person } from '../support/http-world.ts';

/** Routes of the setup: refused to everybody once there is an owner. */
const SETUP = /^\w+ \/api\/setup\//;
const DUMMY: Readonly<Record<string, string>> = {
  id: '01a1fdc9-b723-7468-9177-c3c71dd46851',
  name: 'nightly',
};

const pathOf = (url: string) =>
  url.replace(/:(\w+)/g, (_, name: string) => DUMMY[name] ?? 'x').replace('*', 'x');

/** A body as each route may want it: what is missing must not matter to somebody who may not be here. */
const send = (client: HttpClient, route: string) => {
  const [method, url] = route.split(' ') as [string, string];
  const takesBody = !['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(method);
  return client.send(method, pathOf(url), takesBody ? { body: {} } : {});
};

/** What answers otherwise than by a refusal, for somebody who sends these requests. */
async function answering(
  world: HttpWorld,
  client: HttpClient,
  refusals: readonly number[],
): Promise<string[]> {
  const found: string[] = [];
  for (const route of world.app.routeList) {
    const open = route.replace(/^HEAD /, 'GET ');
    if (OPEN_ROUTES.has(open)) continue;
    const { status, json } = await send(client, route);
    const isClosed = json?.code === 'setup_closed' || (route.startsWith('HEAD') && status === 403);
    const isRefused = SETUP.test(route) ? isClosed : refusals.includes(status);
    if (!isRefused) found.push(`${route} → ${status}`);
  }
  return found;
}

test('nothing but the written list answers without a login, with an ended one, or with a wrong token', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  assert.ok(world.app.routeList.length > 80, 'every route is looked at');

  assert.deepEqual(await answering(world, world.client(), [401]), []);

  const expired = await person(world, owner, 'late@example.org', 'admin');
  assert.equal((await expired.get('/api/v1/session')).status, 200);
  await world.catalog.db
    .updateTable('sessions')
    .set({ expires_at: Date.now() - 1 })
    .where('user_id', '!=', (await owner.get('/api/v1/session')).json.user.id)
    .execute();
  assert.deepEqual(await answering(world, expired, [401]), []);

  for (const token of ['hft_wrong', 'Bearer', world.setupToken]) {
    const client = world.client();
    client.headers.authorization = `Bearer ${token}`;
    assert.deepEqual(await answering(world, client, [401]), [], token);
  }
});

test('a session of another tenant reaches nothing of others', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  for (const id of ['acme', 'rival']) await owner.post('/api/v1/tenants', { id, name: id });
  const body = { sources: ['app'], destination: 'main', tenantId: 'acme' };
  await owner.post('/api/v1/plans', { name: 'acme-daily', body });
  const { json: ran } = await owner.post('/api/v1/plans/acme-daily/run');
  await world.ended(owner, ran.job_id);
  const [backup] = (await owner.get('/api/v1/backups?tenant_id=acme')).json.items;
  const rival = await person(world, owner, 'rival@example.org', null, { rival: 'admin' });

  const one: readonly [string, string, unknown?][] = [
    ['GET', '/api/v1/plans/acme-daily'],
    ['PUT', '/api/v1/plans/acme-daily', { body: { ...body, tenantId: 'rival' }, version: 1 }],
    ['DELETE', '/api/v1/plans/acme-daily?version=1'],
    ['POST', '/api/v1/plans/acme-daily/run', {}],
    ['POST', '/api/v1/plans', { name: 'mine', body: { ...body } }],
    ['POST', '/api/v1/plans', { name: 'mine', body: { ...body, tenantId: 'rival' } }],
    ['POST', '/api/v1/plans', { name: 'mine', body: { ...body, tenantId: null } }],
    [
      'POST',
      '/api/v1/sources',
      { name: 'mine', body: { kind: 'command', command: 'id', artifactName: 'a' } },
    ],
    ['GET', `/api/v1/jobs/${ran.job_id}`],
    ['GET', `/api/v1/jobs/${ran.job_id}/events`],
    ['POST', `/api/v1/jobs/${ran.job_id}/cancel`, {}],
    ['GET', `/api/v1/backups/${backup.id}`],
    ['GET', `/api/v1/backups/${backup.id}/download`],
    ['GET', `/api/admin/backups/${backup.id}/download`],
    ['POST', '/api/v1/restores', { backup_id: backup.id, to: '/tmp/x', confirm_restore: true }],
    ['POST', '/api/v1/restores/plan', { backup_id: backup.id, to: '/tmp/x' }],
    ['GET', '/api/v1/restores/switches'],
    ['GET', `/api/v1/backups/${backup.id}/tree?artifact=app`],
    ['GET', `/api/v1/backups/${backup.id}/file?artifact=app.db`],
    ['GET', `/api/v1/backups/${backup.id}/compare`],
    ['DELETE', `/api/v1/backups/${backup.id}?confirm_delete=true`],
    ['GET', '/api/v1/plans/acme-daily/retention-preview'],
    ['POST', '/api/v1/plans/acme-daily/retention-preview', { retention: { keepLast: 1 } }],
    ['POST', '/api/v1/drills', { plan: 'acme-daily' }],
    ['POST', '/api/v1/drills', { backup_id: backup.id }],
    ['POST', '/api/v1/uploads', { size_bytes: 1 }],
    ['GET', '/api/v1/sign-on'],
    ['GET', `/api/v1/ledger?stream=audit_vault&object_id=${backup.id}`],
    ['GET', '/api/v1/settings?tenant_id=acme'],
    ['PATCH', '/api/v1/settings', { tenant_id: 'acme', settings: {} }],
    ['PATCH', '/api/v1/settings', { settings: { 'retention.days': 1 } }],
    ['GET', '/api/v1/users'],
    ['GET', '/api/admin/backups/config'],
    ['GET', '/api/v1/configuration'],
    ['POST', '/api/v1/destinations/main/test', {}],
    ['GET', '/api/v1/storage'],
    ['GET', '/api/v1/kit'],
    ['POST', '/api/v1/kit', {}],
    ['GET', '/api/v1/destinations/main/keys'],
    ['POST', '/api/v1/destinations/main/keys', { key: 'seven grey geese over the fjord' }],
    ['DELETE', '/api/v1/destinations/main/keys/x'],
    ['POST', '/api/v1/configuration/diff', { yaml: '' }],
    ['POST', '/api/v1/configuration/apply', { yaml: '' }],
  ];
  for (const [method, path, sent] of one) {
    const { status, text } = await rival.send(method, path, sent === undefined ? {} : { body: sent });
    assert.equal(status, 403, `${method} ${path}: ${text}`);
  }
  for (const path of [
    'plans',
    'sources',
    'destinations',
    'backups',
    'jobs',
    'triggers',
    'restores',
    'schedule',
  ]) {
    const { status, json } = await rival.get(`/api/v1/${path}`);
    assert.deepEqual([status, json.items], [200, []], path);
  }
  assert.deepEqual(
    (await rival.get('/api/v1/tenants')).json.items.map(({ id }: { id: string }) => id),
    ['rival'],
  );
  assert.deepEqual((await rival.get('/functions/v1/backup-trigger/health')).json.tenants, []);
  const trigger = await rival.post('/api/admin/backups/trigger', { plan: 'acme-daily' });
  assert.equal(trigger.json.code, 'plan_unknown');
  const unknown = await rival.get('/api/v1/plans/absent');
  assert.deepEqual(
    [unknown.status, unknown.json.code],
    [403, 'not_permitted'],
    'unknown and foreign look alike',
  );
});

test('a token does what its scopes say, for as long as it lasts, and never more than its user', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: made } = await owner.post('/api/v1/tokens', { name: 'ci', scopes: ['backups:trigger'] });
  const client = world.client();
  client.headers.authorization = `Bearer ${made.secret}`;
  assert.equal((await client.post('/api/v1/plans/nightly/run')).status, 202);
  assert.equal((await client.get('/api/v1/backups')).status, 403);
  const allowed = await answering(world, client, [401, 403]);
  const expected = new Set([
    ...['POST /api/v1/plans/:name/run', 'POST /api/admin/backups/trigger'],
    ...['POST /functions/v1/backup-trigger/trigger', 'POST /api/v1/verify', 'POST /api/v1/replicate'],
    ...['PUT /api/v1/backups/:id/hold', 'POST /api/v1/backups/:id/undelete', 'POST /api/v1/drills'],
    'POST /api/v1/table-retention/preview',
  ]);
  assert.deepEqual(
    allowed.filter((one) => !expected.has(one.split(' → ')[0]!)),
    [],
  );
  assert.equal((await owner.post('/api/v1/tokens', { name: 'all', scopes: ['users:write'] })).status, 400);
  const viewer = await person(world, owner, 'viewer@example.org', 'viewer');
  assert.equal(
    (await viewer.post('/api/v1/tokens', { name: 'more', scopes: ['backups:restore'] })).status,
    403,
  );
  const stored = await world.catalog.db.selectFrom('api_tokens').selectAll().execute();
  assert.ok(!JSON.stringify(stored).includes(made.secret), 'only its hash is stored');
  await owner.send('DELETE', `/api/v1/tokens/${made.token.id}`);
  assert.equal((await client.post('/api/v1/plans/nightly/run')).status, 401);
  const { json: short } = await owner.post('/api/v1/tokens', { name: 'short', scopes: ['jobs:read'] });
  await world.catalog.db
    .updateTable('api_tokens')
    .set({ expires_at: 1 })
    .where('id', '=', short.token.id)
    .execute();
  client.headers.authorization = `Bearer ${short.secret}`;
  assert.equal((await client.get('/api/v1/jobs')).status, 401);
});

test('viewers and operators do what their roles say', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const viewer = await person(world, owner, 'viewer@example.org', 'viewer');
  const operator = await person(world, owner, 'operator@example.org', 'operator');
  const admin = await person(world, owner, 'admin@example.org', 'admin');
  assert.equal((await viewer.get('/api/v1/plans')).status, 200);
  assert.equal((await viewer.post('/api/v1/plans/nightly/run')).status, 403);
  assert.equal((await operator.post('/api/v1/plans/nightly/run')).status, 202);
  assert.equal((await operator.send('PUT', '/api/admin/backups/config', { body: {} })).status, 403);
  assert.equal((await admin.get('/api/v1/users')).status, 200);
  const { json } = await admin.get('/api/v1/users');
  const ownerId = json.items.find(({ role }: { role: string }) => role === 'owner').id;
  assert.equal(
    (await admin.send('PATCH', `/api/v1/users/${ownerId}`, { body: { disabled: true } })).status,
    403,
  );
  assert.equal((await admin.send('DELETE', `/api/v1/users/${ownerId}`)).status, 403);
  const second = await admin.post('/api/v1/users', {
    name: 'second',
    password: 'a long walk by the sea',
    role: 'owner',
  });
  assert.equal(second.status, 400, 'nobody can be made owner');
});

test('dangerous actions want the password once more', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  const create = () =>
    owner.post('/api/v1/users', { name: 'new', password: 'a long walk by the sea', role: 'viewer' });
  assert.equal((await create()).json.code, 'proof_needed');
  const deletions = [
    ['POST', '/api/v1/rotate', { plan: 'nightly' }],
    ['POST', '/api/v1/prune', { destination: 'main' }],
    ['DELETE', '/api/v1/backups/ID?confirm_delete=true', undefined],
    ['DELETE', '/api/v1/backups/ID/hold', undefined],
  ] as const;
  await world.withPlan(owner);
  const { json: run } = await owner.post('/api/v1/plans/nightly/run');
  const { result } = await world.ended(owner, run.job_id);
  for (const [method, path, body] of deletions) {
    const own = path.replace('ID', result.backups[0].backupId);
    const { json } = await owner.send(method, own, body === undefined ? {} : { body });
    assert.equal(json.code, 'proof_needed', own);
  }
  assert.equal((await owner.post('/api/v1/session/prove', { password: 'wrong' })).status, 401);
  assert.equal((await create()).json.code, 'proof_needed');
  assert.equal((await owner.post('/api/v1/session/prove', { password: 'tin roof rusted 42' })).status, 200);
  assert.equal((await create()).status, 201);
});

test('what runs commands on the server wants the password once more, and nothing else of a plan does', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { body, version } = (await owner.get('/api/v1/plans/nightly')).json;
  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  const replace = (more: object, at: number) =>
    owner.send('PUT', '/api/v1/plans/nightly', { body: { body: { ...body, ...more }, version: at } });
  const code = async (answer: Promise<{ json: { code?: string } }>) => (await answer).json.code;
  const source = { name: 'any', body: { kind: 'command', command: 'id', artifactName: 'id.txt' } };
  const checks = { checks: [{ kind: 'command', command: 'id' }] };
  assert.equal(await code(owner.post('/api/v1/sources', source)), 'proof_needed');
  assert.equal(await code(replace({ hooks: { before: [{ shell: 'id' }] } }, version)), 'proof_needed');
  assert.equal(await code(replace({ drill: checks }, version)), 'proof_needed');
  assert.equal(await code(owner.post('/api/v1/drills', { plan: 'nightly', ...checks })), 'proof_needed');
  assert.equal((await replace({ timeZone: 'Europe/Berlin' }, version)).status, 200);
});

test('negative control: a route that does not say who may use it stops the start, and so does an open one off the list', async (t) => {
  const handler = async () => ({});
  for (const [config, message] of [
    [{}, /GET \/api\/leak does not declare who may use it/],
    [{ access: { open: true } }, /GET \/api\/leak is open and not on the list/],
  ] as const) {
    await assert.rejects(
      httpWorld(t, {
        extraRoutes: (app) => void app.route({ method: 'GET', url: '/api/leak', config, handler }),
      }),
      message,
    );
  }
  assert.doesNotThrow(() =>
    requireAccess({ method: 'GET', url: '/x', config: { access: { permission: 'jobs:read' } } as never }),
  );
});

test('negative control: a route with the wrong permission is noticed by the matrix', async (t) => {
  const world = await httpWorld(t, {
    extraRoutes: (app) =>
      void app.route({
        ...{ method: 'GET', url: '/api/leak', handler: async () => ({}) },
        config: { access: { open: true, early: true } },
        onRequest: undefined as never,
        // As somebody might do who wants a route quickly: the list is written to as well.
        ...((OPEN_ROUTES as Map<string, string>).set('GET /api/leak', 'a mistake') && {}),
      }),
  });
  (OPEN_ROUTES as Map<string, string>).delete('GET /api/leak');
  await world.owner();
  assert.deepEqual(await answering(world, world.client(), [401]), [
    'GET /api/leak → 200',
    'HEAD /api/leak → 200',
  ]);
});
