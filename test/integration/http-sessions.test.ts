import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totpCode, totpStep } from '../../src/server/access/totp.ts';
import { httpWorld, OWNER, person } from '../support/http-world.ts';

const pathOf = (url: string) => url.replace(/:\w+/g, 'x').replace('*', 'x');

/** What a hostile page, or a name that somebody points here, makes a browser send. */
const FOREIGN: readonly (readonly [string, Record<string, string>])[] = [
  ['another origin', { origin: 'https://evil.example' }],
  ['another port', { origin: 'http://127.0.0.1:1' }],
  ['no origin', { origin: 'null' }],
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['a neighbour', { 'sec-fetch-site': 'same-site' }],
  ['another host', { host: 'evil.example' }],
  ['a host that begins like ours', { host: 'localhost.evil.example' }],
];
const FORM_TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonx',
];

test('every route that changes something refuses foreign origins, hosts and content types', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const changing = world.app.routeList.filter((route) => !/^(GET|HEAD|OPTIONS) /.test(route));
  assert.ok(changing.length > 40);
  for (const route of changing) {
    const [method, url] = route.split(' ') as [string, string];
    for (const [what, headers] of FOREIGN) {
      const { status, json } = await owner.send(method, pathOf(url), { body: {}, headers });
      assert.deepEqual([status, json?.code], [403, 'request_foreign'], `${route}, ${what}`);
    }
    for (const type of FORM_TYPES) {
      const { status, json } = await owner.send(method, pathOf(url), {
        raw: '{}',
        headers: { 'content-type': type },
      });
      const isSetup = url.startsWith('/api/setup/');
      const wanted = isSetup ? 'setup_closed' : 'content_type_refused';
      assert.equal(json?.code, wanted, `${route}, ${type}: ${status}`);
    }
  }
  assert.equal((await owner.get('/api/v1/session')).status, 200, 'nothing of it ended the session');
});

test('reading with a foreign host is refused, too', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const { json } = await owner.send('GET', '/api/v1/plans', { headers: { host: 'rebound.example' } });
  assert.equal(json.code, 'request_foreign');
});

test('negative control: the same requests from this site are not refused for where they come from', async (t) => {
  const world = await httpWorld(t, { environment: { HOLDFAST_PUBLIC_URL: 'https://backup.example.org' } });
  const owner = await world.owner();
  const own = [
    { origin: world.address, 'sec-fetch-site': 'same-origin' },
    { origin: 'https://backup.example.org', host: 'backup.example.org', 'sec-fetch-site': 'same-origin' },
    {},
  ];
  for (const headers of own) {
    const { status } = await owner.send('POST', '/api/admin/backups/generate-encryption-key', {
      body: {},
      headers: headers as Record<string, string>,
    });
    assert.equal(status, 200, JSON.stringify(headers));
  }
});

test('the cookie is bound to the host, out of reach of scripts and of other sites', async (t) => {
  const world = await httpWorld(t);
  await world.owner();
  const { headers } = await world.client().post('/api/v1/session', OWNER);
  const [cookie] = [headers['set-cookie']].flat();
  assert.match(
    cookie!,
    /^__Host-holdfast=hfs_[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  const plain = await httpWorld(t, { environment: { HOLDFAST_ALLOWED_HOSTS: 'backup.lan' } });
  await plain.owner();
  const lan = await plain
    .client()
    .send('POST', '/api/v1/session', { body: OWNER, headers: { host: 'backup.lan' } });
  assert.match(String(lan.headers['set-cookie']), /^holdfast=hfs_[\w-]{43}; .*HttpOnly; SameSite=Strict$/);
});

test('logging in rotates the session; logging out and a new password end sessions', async (t) => {
  const world = await httpWorld(t);
  await world.owner();
  const client = world.client();
  await client.post('/api/v1/session', OWNER);
  const first = new Map(client.cookies);
  await client.post('/api/v1/session', OWNER);
  assert.notDeepEqual(client.cookies, first);
  const before = world.client();
  for (const [name, value] of first) before.cookies.set(name, value);
  assert.equal((await before.get('/api/v1/session')).status, 401, 'the one before ended');

  const old = new Map(client.cookies);
  await client.send('DELETE', '/api/v1/session');
  for (const [name, value] of old) client.cookies.set(name, value);
  assert.equal((await client.get('/api/v1/session')).status, 401);

  const [one, other] = [world.client(), world.client()];
  for (const each of [one, other]) await each.post('/api/v1/session', OWNER);
  const stolen = world.client();
  for (const [name, value] of one.cookies) stolen.cookies.set(name, value);
  const change = { password: OWNER.password, new_password: 'quite another sentence' };
  assert.equal((await one.send('PUT', '/api/v1/session/password', { body: change })).status, 200);
  assert.equal((await one.get('/api/v1/session')).status, 200, 'whoever changed it goes on');
  for (const each of [other, stolen]) assert.equal((await each.get('/api/v1/session')).status, 401);
  assert.equal((await world.client().post('/api/v1/session', OWNER)).status, 401);
});

test('a disabled user is out at once, with sessions and tokens', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const admin = await person(world, owner, 'admin@example.org', 'admin');
  const { json } = await admin.post('/api/v1/tokens', { name: 'ci', scopes: ['jobs:read'] });
  const token = world.client();
  token.headers.authorization = `Bearer ${json.secret}`;
  assert.equal((await token.get('/api/v1/jobs')).status, 200);
  const { id } = (await admin.get('/api/v1/session')).json.user;
  await owner.send('PATCH', `/api/v1/users/${id}`, { body: { disabled: true } });
  assert.equal((await admin.get('/api/v1/session')).status, 401);
  assert.equal((await token.get('/api/v1/jobs')).status, 401);
});

test('a second factor: no login without it, no code twice, recovery codes once each', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const URL = '/api/v1/session/second-factor';
  const { json: begun } = await owner.post(URL);
  assert.match(begun.address, /^otpauth:\/\/totp\//);
  assert.equal((await owner.post(`${URL}/confirm`, { code: '000000' })).status, 401);
  const step = totpStep(Date.now());
  const { json: confirmed } = await owner.post(`${URL}/confirm`, { code: totpCode(begun.secret, step) });
  assert.equal(confirmed.recovery_codes.length, 10);
  const stored = await world.catalog.db.selectFrom('users').selectAll().execute();
  assert.ok(!JSON.stringify(stored).includes(begun.secret), 'sealed in the catalog');

  const logIn = (code?: string) =>
    world.client().post('/api/v1/session', { ...OWNER, ...(code ? { code } : {}) });
  assert.equal((await logIn()).json.code, 'second_factor_needed');
  assert.equal((await logIn(totpCode(begun.secret, step))).status, 401, 'the code that confirmed is used up');
  const next = totpCode(begun.secret, totpStep(Date.now()) + 1);
  const both = await Promise.all([logIn(next), logIn(next)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 401], 'one code, one login');
  const [recovery] = confirmed.recovery_codes;
  assert.equal((await logIn(recovery)).status, 201);
  assert.equal((await logIn(recovery)).status, 401);
  const wrong = await world
    .client()
    .post('/api/v1/session', { ...OWNER, password: 'wrong', code: confirmed.recovery_codes[1] });
  assert.equal(wrong.status, 401);
  assert.equal((await logIn(confirmed.recovery_codes[1])).status, 201, 'a wrong password uses no code up');
});
