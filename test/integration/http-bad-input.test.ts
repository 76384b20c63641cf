import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpClient } from '../support/http-client.ts';
import { httpWorld } from '../support/http-world.ts';

/** Everything stored, to show that nothing changed. */
async function everything(owner: HttpClient): Promise<string> {
  const lists = ['plans', 'sources', 'destinations', 'tenants', 'settings', 'users', 'tokens', 'jobs'];
  const answers = await Promise.all(lists.map((name) => owner.get(`/api/v1/${name}`)));
  return JSON.stringify(answers.map(({ json }) => json));
}

const source = { kind: 'sqlite', path: '/srv/app.db' };

const CASES: readonly (readonly [string, string, unknown, number, string, RegExp])[] = [
  ['POST', '/api/v1/plans', { name: 'p', body: {} }, 400, 'config_invalid', /plan\.p\.sources/],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p', body: { sources: [] } },
    400,
    'config_invalid',
    /at least one source/,
  ],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p', body: { sources: ['ap'] } },
    400,
    'config_invalid',
    /did you mean app\?/,
  ],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p', body: { sources: ['app'], schedule: '99 * * * *' } },
    400,
    'schedule_invalid',
    /./,
  ],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p', body: { sources: ['app'], timeZone: 'Mars/Olympus' } },
    400,
    'schedule_invalid',
    /./,
  ],
  ['POST', '/api/v1/plans', { name: 'nightly', body: { sources: ['app'] } }, 409, 'name_taken', /nightly/],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p', body: { sources: ['app'] }, extra: 1 },
    400,
    'request_invalid',
    /^extra: unknown field$/,
  ],
  [
    'POST',
    '/api/v1/plans',
    { name: '../p', body: { sources: ['app'] } },
    400,
    'config_invalid',
    /is not a name/,
  ],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p', body: { sources: ['app'], databases: { app: { hour: 24 } } } },
    400,
    'config_invalid',
    /^plan\.p\.databases\.app\.hour: must be at most 23$/,
  ],
  [
    'PUT',
    '/api/v1/plans/nightly',
    { body: { sources: ['app'], retention: { dayz: 3 } }, version: 1 },
    400,
    'config_invalid',
    /^plan\.nightly\.retention\.dayz: unknown field, did you mean days\?$/,
  ],
  [
    'POST',
    '/api/v1/sources',
    { name: 's', body: { kind: 'files', paths: [] } },
    400,
    'config_invalid',
    /^source\.s\.paths: must not be empty$/,
  ],
  [
    'POST',
    '/api/v1/destinations',
    { name: 'd', body: { address: '/d', minimumFreeBytes: -1 } },
    400,
    'config_invalid',
    /^destination\.d\.minimumFreeBytes: must be at least 0$/,
  ],
  [
    'POST',
    '/api/v1/channels',
    { name: 'c', body: { kind: 'email', host: 'h', from: 'a@b', to: ['c@d'], port: 0 } },
    400,
    'config_invalid',
    /^channel\.c\.port: must be at least 1$/,
  ],
  [
    'POST',
    '/api/v1/plans',
    { name: 'p'.repeat(65), body: {} },
    400,
    'request_invalid',
    /^name: must have at most 64 characters$/,
  ],
  ['POST', '/api/v1/plans', { name: 'p' }, 400, 'request_invalid', /^body: is missing$/],
  ['POST', '/api/v1/sources', { name: 'app', body: source }, 409, 'name_taken', /app/],
  [
    'POST',
    '/api/v1/sources',
    { name: 's', body: { kind: 'sqlite' } },
    400,
    'config_invalid',
    /source\.s\.path/,
  ],
  [
    'POST',
    '/api/v1/sources',
    { name: 's', body: { kind: 'postgres', url: 'postgres://a:hunter2@h/d' } },
    400,
    'config_invalid',
    /must not hold a password/,
  ],
  ['POST', '/api/v1/destinations', { name: 'd', body: { address: 'gopher://x' } }, 400, 'usage', /./],
  [
    'POST',
    '/api/v1/destinations',
    { name: 'd', body: { address: 'sftp://u:hunter2@h/x' } },
    400,
    'config_invalid',
    /must not hold a password/,
  ],
  ['POST', '/api/v1/tenants', { id: 'acme', name: 'Again' }, 409, 'name_taken', /acme/],
  ['POST', '/api/v1/tenants', { id: '../x', name: 'x' }, 400, 'request_invalid', /id/],
  ['PATCH', '/api/v1/settings', { tenant_id: 'nobody', settings: {} }, 404, 'tenant_unknown', /nobody/],
  [
    'PATCH',
    '/api/v1/settings',
    { settings: { 'retention.days': -1 } },
    400,
    'config_invalid',
    /^retention\.days: must be at least 1$/,
  ],
  [
    'PATCH',
    '/api/v1/settings',
    { settings: { 'retention.dayz': 1 } },
    400,
    'config_invalid',
    /retention\.dayz/,
  ],
  ['PATCH', '/api/v1/settings', { settings: { 'schedule.cron': 'never' } }, 400, 'schedule_invalid', /./],
  [
    'PUT',
    '/api/v1/plans/nightly',
    { body: { sources: ['app'] }, version: 7 },
    409,
    'document_changed',
    /version/,
  ],
  ['DELETE', '/api/v1/sources/app?version=1', undefined, 409, 'in_use', /nightly/],
  ['DELETE', '/api/v1/plans/absent?version=1', undefined, 404, 'plan_unknown', /absent/],
  ['GET', '/api/v1/jobs/none', undefined, 404, 'job_unknown', /none/],
  ['GET', '/api/v1/jobs?limit=0', undefined, 400, 'request_invalid', /^limit: must be at least 1$/],
  ['GET', '/api/v1/backups?after=zzz', undefined, 400, 'request_invalid', /after/],
  ['GET', '/api/v1/backups?colour=red', undefined, 400, 'request_invalid', /./],
  [
    'POST',
    '/api/v1/users',
    { name: 'x', password: 'a long walk by the sea' },
    400,
    'request_invalid',
    /name/,
  ],
  ['POST', '/api/v1/users', { name: 'new', password: 'short' }, 422, 'password_weak', /./],
  ['POST', '/api/v1/tokens', { name: 't', scopes: ['everything'] }, 400, 'request_invalid', /scopes\.0/],
  ['PUT', '/api/admin/backups/config', { version: 1, schedule: 'soon' }, 400, 'schedule_invalid', /./],
  [
    'PUT',
    '/api/admin/backups/config',
    { version: 1, databases: { app: { hour: 24 } } },
    400,
    'request_invalid',
    /databases\.app\.hour/,
  ],
  ['POST', '/api/v1/restores', { backup_id: 'x', to: '/x', confirm_restore: true }, 404, 'id_unknown', /./],
  ['POST', '/api/v1/nowhere', {}, 404, 'route_unknown', /nowhere/],
];

test('what is wrong is a problem document that names the field, and nothing changed', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  const before = await everything(owner);
  for (const [method, path, body, status, code, detail] of CASES) {
    const answer = await owner.send(method, path, body === undefined ? {} : { body });
    const label = `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`;
    assert.deepEqual([answer.status, answer.json?.code], [status, code], label);
    assert.match(answer.json.detail, detail, label);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.ok(answer.json.next.length > 3 && answer.json.title && answer.json.request_id, label);
    assert.doesNotMatch(answer.text, /hunter2/);
  }
  assert.equal(await everything(owner), before);
});

test('malformed JSON and YAML are answered with line and column', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const headers = { 'content-type': 'application/json' };
  for (const [raw, line, column] of [
    ['{"name": }', 1, 10],
    ['{\n  "name": "x",\n  oops\n}', 3, 3],
    ['{"name": "x"', 1, 13],
  ] as const) {
    const { status, json } = await owner.send('POST', '/api/v1/plans', { raw, headers });
    assert.deepEqual([status, json.code], [400, 'request_invalid']);
    assert.deepEqual([json.errors[0].line, json.errors[0].column], [line, column], raw);
  }
  const polluted = await owner.send('POST', '/api/v1/plans', {
    raw: '{"__proto__": {"admin": true}}',
    headers,
  });
  assert.equal(polluted.json.code, 'request_invalid');

  const yaml = (text: string) => owner.post('/api/v1/configuration/apply', { yaml: text });
  const malformed = await yaml('plans:\n  nightly: [a\n');
  assert.deepEqual([malformed.status, malformed.json.code], [400, 'config_invalid']);
  assert.ok(malformed.json.errors[0].line >= 2 && malformed.json.errors[0].column >= 1, malformed.text);
  const wrong = await yaml('sources:\n  app:\n    kind: sqlite\n    pathh: /x\n');
  assert.deepEqual([wrong.json.errors[0].line, wrong.json.errors[0].field], [4, 'sources.app.pathh']);
  const cron = await yaml(
    'sources: { a: { kind: sqlite, path: /a } }\nplans: { p: { sources: [a], schedule: "x" } }\n',
  );
  assert.equal(cron.json.code, 'schedule_invalid');
  assert.deepEqual((await owner.get('/api/v1/sources')).json.items, []);
});

test('a body that is too large, and one of an unknown type, are refused', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const large = await owner.post('/api/v1/plans', { name: 'p', body: { sources: ['a'.repeat(2_000_000)] } });
  assert.deepEqual([large.status, large.json?.code], [413, 'request_too_large']);
  const xml = await owner.send('POST', '/api/v1/plans', {
    raw: '<a/>',
    headers: { 'content-type': 'application/xml' },
  });
  assert.deepEqual([xml.status, xml.json.code], [415, 'content_type_refused']);
});
