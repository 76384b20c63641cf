/** Logging in through an identity provider: the way there and back, and everybody who should not get in. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { oidcSettings } from '../../src/contracts/api/oidc.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/engine/index.ts';
import { beginAttempt, takeAttempt } from '../../src/server/access/oidc/attempt.ts';
import { openProvider } from '../../src/server/access/oidc/provider.ts';
import { outboundPolicy } from '../../src/server/outbound/index.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld, OWNER } from '../support/http-world.ts';
import {
  CLIENT,
  forgeries,
  newTokenKey,
  type OidcProvider,
  signedToken,
  startOidcProvider,
  type TokenAlgorithm,
} from '../support/oidc-provider.ts';

const START = '/api/v1/session/oidc';
const REFUSED = '/admin/?sign_on=sign_on_refused';
const ROLES = [
  { claim: 'groups', value: 'holdfast-admins', role: 'admin' },
  { claim: 'groups', value: 'watchers', role: 'viewer' },
  { claim: 'realm_access.roles', value: 'acme-ops', tenant_id: 'acme', role: 'operator' },
];

interface SignOnWorld {
  readonly world: HttpWorld;
  readonly owner: HttpClient;
  readonly provider: OidcProvider;
  readonly settings: Record<string, unknown>;
  put(settings: Record<string, unknown>): Promise<void>;
}

async function signOnWorld(t: TestContext, algorithm?: TokenAlgorithm): Promise<SignOnWorld> {
  const provider = await startOidcProvider(t, algorithm);
  const world = await httpWorld(t, { environment: { HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1' } });
  const owner = await world.owner();
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  await writeFile(join(world.folder, 'home', 'oidc-secret'), `${CLIENT.secret}\n`);
  const settings = {
    ...{ label: 'Company', issuer: provider.issuer, client_id: CLIENT.id, roles: ROLES },
    client_secret: { file: 'oidc-secret' },
  };
  const put = async (body: Record<string, unknown>) => {
    const answer = await owner.send('PUT', '/api/v1/sign-on', { body });
    assert.equal(answer.status, 200, answer.text);
  };
  await put(settings);
  return { world, owner, provider, settings, put };
}

/** From the login page to the provider: the address with which the browser comes back. */
async function toProvider(client: HttpClient, query = ''): Promise<string> {
  const begun = await client.get(`${START}${query}`);
  assert.equal(begun.status, 302, begun.text);
  const answer = await fetch(begun.headers.location as string, { redirect: 'manual' });
  const back = new URL(answer.headers.get('location')!);
  return `${back.pathname}${back.search}`;
}

/** The whole way; gives where the browser ends. */
async function logIn(client: HttpClient, query = ''): Promise<string> {
  const answer = await client.get(await toProvider(client, query));
  assert.equal(answer.status, 302, answer.text);
  return answer.headers.location as string;
}

const whoIs = async (client: HttpClient) => (await client.get('/api/v1/session')).json;

test('somebody of a named group logs in, by each algorithm, and is what the rules say', async (t) => {
  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    const { world, provider, owner } = await signOnWorld(t, algorithm);
    const methods = (await world.client().get('/api/v1/session/methods')).json;
    assert.deepEqual(methods, { oidc: { label: 'Company', start: START } });
    const client = world.client();
    assert.equal(await logIn(client, '?return_to=/admin/backups'), '/admin/backups');
    const { user, proof_needed } = await whoIs(client);
    assert.deepEqual([user.name, user.role, proof_needed], ['ada@example.org', 'admin', false]);
    const entry = world.records.find(({ action }) => action.endsWith('/oidc/callback'));
    assert.equal(entry?.actor, 'ada@example.org');
    if (algorithm !== 'RS256') continue;
    // The groups of today count, at the next login.
    provider.person = { groups: ['watchers'], realm_access: { roles: ['acme-ops'] }, auth_time: undefined };
    assert.equal(await logIn(client), '/admin/');
    const later = await whoIs(client);
    assert.deepEqual(
      [later.user.id, later.user.role, later.user.tenant_roles],
      [user.id, 'viewer', { acme: 'operator' }],
    );
    assert.ok(later.proof_needed, 'nobody knows when a password was given');
    const { json: users } = await owner.get('/api/v1/users');
    assert.equal(users.items.length, 2);
    // There is no password that fits, and the owner's works as before.
    const byPassword = await world.client().post('/api/v1/session', { name: user.name, password: '' });
    assert.equal(byPassword.json.code, 'login_failed');
    assert.equal((await world.client().post('/api/v1/session', OWNER)).status, 201);
  }
});

test('a token that is not right lets nobody in', async (t) => {
  const { world, provider } = await signOnWorld(t);
  const now = Math.floor(Date.now() / 1000);
  const stranger = newTokenKey('RS256', 'one');
  const wrong: readonly [string, (claims: Record<string, unknown>) => string][] = [
    ['wrong nonce', (claims) => signedToken(provider.key, { ...claims, nonce: 'another' })],
    ['no nonce', ({ nonce: _, ...claims }) => signedToken(provider.key, claims)],
    ['wrong audience', (claims) => signedToken(provider.key, { ...claims, aud: 'another' })],
    [
      'wrong issuer',
      (claims) => signedToken(provider.key, { ...claims, iss: 'https://accounts.example.org' }),
    ],
    ['expired', (claims) => signedToken(provider.key, { ...claims, iat: now - 900, exp: now - 600 })],
    ['alg none', forgeries.none],
    ['HS256 with the public key', (claims) => forgeries.hs256(provider.key, claims)],
    ['signed by a stranger', (claims) => signedToken(stranger, claims)],
    ['no token', () => 'nothing'],
  ];
  for (const [what, makeToken] of wrong) {
    provider.makeToken = makeToken;
    const client = world.client();
    assert.equal(await logIn(client), REFUSED, what);
    assert.equal((await client.get('/api/v1/session')).status, 401, what);
  }
  assert.ok(
    world.log.some((line) => line.includes('answers another request')),
    'the log says why',
  );
  provider.makeToken = (claims) => signedToken(provider.key, claims);
  assert.equal(await logIn(world.client()), '/admin/', 'the same token unharmed');
});

test('a code and a state are good once, in the browser that began', async (t) => {
  const { world, provider } = await signOnWorld(t);
  const [victim, attacker] = [world.client(), world.client()];
  const back = await toProvider(victim);
  const cookies = new Map(victim.cookies);
  assert.equal((await attacker.get(back)).headers.location, REFUSED, 'no cookie');
  await attacker.get(START);
  assert.equal((await attacker.get(back)).headers.location, REFUSED, 'a cookie of another attempt');
  const stranger = back.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Fother.example');
  assert.equal((await victim.get(stranger)).headers.location, REFUSED, 'of another provider');
  // That used the attempt up; a fresh one goes through, and never again.
  const again = await toProvider(victim);
  for (const [name, value] of victim.cookies) cookies.set(name, value);
  assert.equal((await victim.get(again)).headers.location, '/admin/');
  for (const [name, value] of cookies) attacker.cookies.set(name, value);
  const asked = provider.requests.filter((one) => one === 'POST /token').length;
  assert.equal((await attacker.get(again)).headers.location, REFUSED, 'replayed with the cookie');
  assert.equal(
    provider.requests.filter((one) => one === 'POST /token').length,
    asked,
    'the code did not go out',
  );
  // A code of somebody else in one's own attempt: the provider sees that PKCE and nonce do not fit.
  const theirs = new URL(await toProvider(victim), world.address).searchParams.get('code')!;
  const mine = (await toProvider(attacker)).replace(/code=[^&]+/, `code=${theirs}`);
  assert.equal((await attacker.get(mine)).headers.location, REFUSED);
  assert.equal((await attacker.get('/api/v1/session')).status, 401);
});

test('whom no rule names is not let in, nor made; whom none names any more is put out', async (t) => {
  const { world, owner, provider, settings, put } = await signOnWorld(t);
  const client = world.client();
  assert.equal(await logIn(client), '/admin/');
  const nobody: readonly [string, Record<string, unknown>][] = [
    ['unknown group', { groups: ['strangers'] }],
    ['no groups', { groups: undefined }],
    ['the name of a group within a text', { groups: 'not holdfast-admins' }],
    ['groups of another form', { groups: { 'holdfast-admins': true } }],
    ['an address that is not verified', { email_verified: false }],
    ['no address', { email: undefined }],
    ['no name at all', { email: 'a b@example.org' }],
  ];
  for (const [i, [what, person]] of nobody.entries()) {
    provider.person = { sub: `stranger-${i}`, email: `stranger-${i}@example.org`, ...person };
    assert.equal(await logIn(world.client()), REFUSED, what);
  }
  provider.person = { sub: 'somebody else' };
  assert.equal(await logIn(world.client()), REFUSED, 'a name that another subject has');
  provider.person = { sub: 'clever', email: OWNER.name };
  assert.equal(await logIn(world.client()), REFUSED, 'the name of the owner');
  assert.equal((await owner.get('/api/v1/users')).json.items.length, 2, 'none was made');
  await put({ ...settings, email_domains: ['example.com'] });
  provider.person = { sub: 'foreign', email: 'foreign@example.org' };
  assert.equal(await logIn(world.client()), REFUSED, 'another domain');
  await put(settings);
  assert.equal((await client.get('/api/v1/session')).status, 200);
  provider.person = { groups: [] };
  assert.equal(await logIn(world.client()), REFUSED);
  assert.equal((await client.get('/api/v1/session')).status, 401, 'who left the group is logged out');
});

test('sessions and API tokens of somebody who left end by themselves', async (t) => {
  const { world, owner, settings, put } = await signOnWorld(t);
  await put({ ...settings, session_hours: 2, token_days: 10 });
  const { db } = world.catalog;
  const client = world.client();
  await logIn(client);
  const { user } = await whoIs(client);
  const session = await db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', user.id)
    .executeTakeFirstOrThrow();
  assert.equal(session.expires_at - session.created_at, 2 * HOUR_MS);
  const made = await client.post('/api/v1/tokens', { name: 'script', scopes: ['backups:read'] });
  assert.equal(made.status, 201, made.text);
  const script = world.client();
  script.headers.authorization = `Bearer ${made.json.secret}`;
  const works = async () => (await script.get('/api/v1/backups')).status === 200;
  const lastSeen = (daysAgo: number) =>
    db
      .updateTable('user_identities')
      .set({ seen_at: Date.now() - daysAgo * DAY_MS })
      .execute();
  assert.ok(await works());
  await lastSeen(9);
  assert.ok(await works());
  await lastSeen(11);
  assert.ok(!(await works()), 'nobody vouched for them in ten days');
  await logIn(client);
  assert.ok(await works(), 'the provider still knows them');
  await put({ ...settings, issuer: 'https://login.example.org' });
  assert.ok(!(await works()), 'another provider does not know them');
  await put({ ...settings });
  assert.ok(await works());
  await owner.send('DELETE', '/api/v1/sign-on');
  assert.ok(!(await works()), 'nobody vouches for them');
});

test('an attempt that took too long, and one that was not sealed here, come to nothing', async (t) => {
  const { catalog } = await httpWorld(t);
  const [key, other] = [randomBytes(32), randomBytes(32)];
  const discovery = { authorization_endpoint: 'https://login.example.org/authorize' } as never;
  const settings = oidcSettings.parse({ issuer: 'https://login.example.org', client_id: 'c', roles: ROLES });
  const given = {
    settings,
    discovery,
    redirectUri: 'https://b.example/back',
    returnTo: '/admin/',
    proves: false,
  };
  const begun = (agoMs: number) => {
    const { cookie, location } = beginAttempt(given, catalog.clock.nowMs() - agoMs, key);
    return { cookie, state: new URL(location).searchParams.get('state')! };
  };
  const late = begun(10 * MINUTE_MS + 1);
  await assert.rejects(takeAttempt(catalog, late.cookie, late.state, key), { code: 'sign_on_refused' });
  const good = begun(9 * MINUTE_MS);
  await assert.rejects(takeAttempt(catalog, good.cookie, good.state, other), { code: 'sign_on_refused' });
  const changed = `${good.cookie.slice(0, -2)}${good.cookie.endsWith('A') ? 'B' : 'A'}${good.cookie.at(-1)}`;
  await assert.rejects(takeAttempt(catalog, changed, good.state, key), { code: 'sign_on_refused' });
  assert.equal((await takeAttempt(catalog, good.cookie, good.state, key)).state, good.state);
});

test('the password once more is asked for at the provider', async (t) => {
  const { world, provider } = await signOnWorld(t);
  const client = world.client();
  const hourAgo = Math.floor(Date.now() / 1000) - 3600;
  provider.person = { auth_time: hourAgo };
  await logIn(client);
  assert.ok((await whoIs(client)).proof_needed);
  assert.equal(await logIn(client, '?prove=true'), REFUSED, 'the provider did not ask');
  provider.person = {};
  assert.equal(await logIn(client, '?prove=true&return_to=/admin/users'), '/admin/users');
  assert.equal((await whoIs(client)).proof_needed, false);
  const begun = new URL((await client.get(`${START}?prove=true`)).headers.location as string);
  assert.deepEqual([begun.searchParams.get('prompt'), begun.searchParams.get('max_age')], ['login', '0']);
});

test('keys that the provider changed are found, and are looked for once a minute at most', async (t) => {
  const { provider, settings } = await signOnWorld(t);
  let nowMs = Date.now();
  const opened = openProvider({ policy: outboundPolicy(['127.0.0.1']) }, () => nowMs);
  const redirectUri = 'http://127.0.0.1/back';
  const given = { verifier: 'v'.repeat(43), nonce: 'n', secret: CLIENT.secret, redirectUri };
  const exchange = async () => {
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: CLIENT.id, scope: 'openid', state: 's', nonce: given.nonce },
      ...{ redirect_uri: redirectUri, code_challenge_method: 'S256' },
      code_challenge: createHash('sha256').update(given.verifier).digest('base64url'),
    });
    const answer = await fetch(`${provider.issuer}/authorize?${query}`, { redirect: 'manual' });
    const code = new URL(answer.headers.get('location')!).searchParams.get('code')!;
    return opened.exchange(oidcSettings.parse(settings), { ...given, code });
  };
  const looks = () => provider.requests.filter((one) => one === 'GET /keys').length;
  await exchange();
  const next = newTokenKey('RS256', 'two');
  provider.keys = [next];
  provider.makeToken = (claims) => signedToken(next, claims);
  await assert.rejects(exchange(), { code: 'sign_on_refused' });
  await assert.rejects(exchange(), { code: 'sign_on_refused' });
  assert.equal(looks(), 1);
  nowMs += 61_000;
  assert.equal((await exchange()).subject, 'subject-1');
  assert.equal(looks(), 2);
});

test('settings: who may change them, where they may lead, and that browsers are sent nowhere else', async (t) => {
  const { world, owner, provider, settings, put } = await signOnWorld(t);
  const tested = await owner.post('/api/v1/sign-on/test');
  assert.deepEqual([tested.json.ok, tested.json.steps.length], [true, 3], tested.text);
  for (const [field, value] of [
    ['issuer', 'http://169.254.169.254'],
    ['issuer', 'http://10.1.2.3'],
    ['issuer', 'https://10.1.2.3'],
    ['issuer', 'http://login.example.org'],
    ['client_secret', { env: 'NOT_SET' }],
  ] as const) {
    await put({ ...settings, [field]: value });
    const { json } = await owner.post('/api/v1/sign-on/test');
    assert.equal(json.ok, false, `${field} ${JSON.stringify(value)}`);
  }
  await put({ ...settings, issuer: `${provider.issuer}/` });
  provider.description = { issuer: provider.issuer };
  const otherwise = await world.client().get(START);
  assert.equal(otherwise.headers.location, '/admin/?sign_on=sign_on_failed', 'it calls itself otherwise');
  for (const body of [
    { ...settings, roles: [] },
    { ...settings, roles: [{ ...ROLES[0], role: 'owner' }] },
    { ...settings, client_secret: CLIENT.secret },
    { ...settings, issuer: 'file:///etc/passwd' },
  ]) {
    assert.equal((await owner.send('PUT', '/api/v1/sign-on', { body })).status, 400);
  }
  const missing = { ...settings, roles: [{ ...ROLES[0], tenant_id: 'nobody' }] };
  assert.equal((await owner.send('PUT', '/api/v1/sign-on', { body: missing })).json.code, 'tenant_unknown');
  assert.ok(!(await owner.get('/api/v1/sign-on')).text.includes(CLIENT.secret));
  await put(settings);
  provider.description = {};
  for (const place of [
    'https://evil.example',
    '//evil.example',
    '/admin/../api',
    '/admin//evil',
    '/adminx',
    '/admin/?x=1',
  ]) {
    const client = world.client();
    const end = await logIn(client, `?return_to=${encodeURIComponent(place)}`);
    assert.match(end, /^\/admin\/(\/evil)?$/, place);
  }
  assert.equal((await owner.send('DELETE', '/api/v1/sign-on')).status, 200);
  assert.deepEqual((await world.client().get('/api/v1/session/methods')).json, { oidc: null });
  assert.equal((await world.client().get(START)).headers.location, '/admin/?sign_on=sign_on_failed');
});
