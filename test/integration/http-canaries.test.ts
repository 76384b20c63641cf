import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { totpCode, totpStep } from '../../src/server/access/totp.ts';
import { httpWorld, OWNER } from '../support/http-world.ts';

let made = 0;
/** A secret that occurs nowhere else. */
const canary = (name: string) => {
  made += 1;
  return `canary-${name}-${made}-zq8Kp2vX7wRt`;
};

/** Every form in which a secret may show. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    ...[secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)],
    ...[bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')],
  ];
}

const hits = (text: string, secrets: readonly string[]) =>
  secrets.filter((secret) => formsOf(secret).some((form) => text.includes(form)));

function restoresWithLogins(id: string, secret: (name: string) => string) {
  const database = () => `postgres://u:${secret('target')}@127.0.0.1:1/db`;
  return [
    ['', { backup_id: id, confirm_restore: true, to: database() }],
    ['/plan', { backup_id: id, to: database() }],
    ['/switch-back', { confirm_restore: true, to: database() }],
    ['/drop-old', { confirm_restore: true, to: `postgres://u@h/db?password=${secret('target')}` }],
  ] as const;
}

test('secrets sent through every route come back in no answer, log, record or catalog', async (t) => {
  const environment = { HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1' };
  const world = await httpWorld(t, { environment });
  const owner = await world.owner();
  await world.withPlan(owner);
  const secrets: string[] = [OWNER.password, world.keyText, world.setupToken];
  const secret = (name: string) => {
    const one = canary(name);
    secrets.push(one);
    return one;
  };
  const shown: string[] = [];
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await owner.send(method, path, { ...(body === undefined ? {} : { body }), headers });
    shown.push(`${method} ${path}\n${JSON.stringify(answer.headers)}\n${answer.text}`);
    return answer;
  };
  const s3 = (more: object = {}) => ({
    ...{ bucket: 'backups', endpoint: 'http://127.0.0.1:1' },
    ...{ access_key_id: secret('access'), secret_access_key: secret('secret'), ...more },
  });
  // What works, and what fails in every way.
  await send('POST', '/api/admin/backups/test-s3', s3({ endpoint: 'http://169.254.169.254' }));
  await send(
    'POST',
    '/api/admin/backups/test-s3',
    s3({ endpoint: `http://u:${secret('userinfo')}@10.0.0.1` }),
  );
  await send('POST', '/api/admin/backups/test-s3', { ...s3(), wrong: true });
  await send('PUT', '/api/admin/backups/config', {
    version: 1,
    s3: s3({ endpoint: 'http://10.0.0.1' }),
    encryption_key: secret('key'),
  });
  await send('PUT', '/api/admin/backups/config', { version: 99, s3: s3(), encryption_key: secret('key') });
  await send('PUT', '/api/admin/backups/config', { version: 'x', encryption_key_id: secret('key-id') });
  await send('POST', '/api/v1/users', {
    name: 'first@example.org',
    password: secret('password'),
    role: 'viewer',
  });
  await send('POST', '/api/v1/users', {
    name: 'first@example.org',
    password: secret('password'),
    role: 'viewer',
  });
  await send('POST', '/api/v1/users', { name: '!', password: secret('password') });
  await send('POST', '/api/v1/session', { name: OWNER.name, password: secret('password') });
  await send('POST', '/api/v1/session', { name: secret('typed-into-the-wrong-field'), password: 'x' });
  await send('POST', '/api/v1/session/prove', { password: secret('password') });
  await send('PUT', '/api/v1/session/password', {
    password: secret('password'),
    new_password: secret('password'),
  });
  await send('POST', '/api/v1/session/code', { login_code: secret('code') });
  await send('GET', '/api/v1/plans', undefined, { authorization: `Bearer ${secret('token')}` });
  await send(
    'POST',
    '/api/setup/owner',
    { name: 'x@y', password: secret('password') },
    { 'x-setup-token': secret('setup') },
  );
  await send(
    'POST',
    '/api/setup/restore/s3',
    { ...s3(), encryption_key: secret('key') },
    { 'x-setup-token': secret('setup') },
  );
  for (const url of [
    `postgres://app:${secret('literal')}@db/orders`,
    `postgres://app@db/orders?password=${secret('literal')}`,
  ]) {
    await send('POST', '/api/v1/sources', { name: 'pg', body: { kind: 'postgres', url } });
  }
  await send('POST', '/api/v1/destinations', {
    name: 'd',
    body: { address: `sftp://u:${secret('literal')}@127.0.0.1:1/x` },
  });
  await send('POST', '/api/v1/configuration/apply', {
    yaml: `sources: { pg: { kind: postgres, url: "postgres://a:${secret('literal')}@h/d" } }`,
  });
  await send('POST', '/api/v1/configuration/apply', { yaml: `keys: [${secret('yaml')}` });
  await owner
    .send('POST', '/api/v1/plans', {
      raw: `{"password": "${secret('malformed')}",, }`,
      headers: { 'content-type': 'application/json' },
    })
    .then(({ text }) => shown.push(text));

  // Shown once to whoever asked, and nowhere else afterwards.
  const once: string[] = [];
  const begun = await owner.post('/api/v1/session/second-factor');
  once.push(begun.json.secret);
  const confirmed = await owner.post('/api/v1/session/second-factor/confirm', {
    code: totpCode(begun.json.secret, totpStep(Date.now())),
  });
  once.push(...confirmed.json.recovery_codes);
  once.push((await owner.post('/api/v1/tokens', { name: 'ci', scopes: ['jobs:read'] })).json.secret);
  once.push((await owner.post('/api/admin/backups/generate-encryption-key')).json.encryption_key);
  once.push(...owner.cookies.values());
  for (const path of world.app.routeList.filter((route) => /^GET (?!.*[:*])/.test(route))) {
    await send('GET', path.slice(4));
  }
  const ran = await send('POST', '/api/v1/plans/nightly/run', {});
  const { result } = await world.ended(owner, ran.json.job_id);
  // Where a restore goes is named, never with a login.
  for (const [path, body] of restoresWithLogins(result.backups[0].backupId, secret)) {
    assert.equal((await send('POST', `/api/v1/restores${path}`, body)).status, 400, path);
  }

  const all = [...secrets, ...once];
  assert.ok(all.length >= 30, `${all.length} secrets were sent`);
  for (const answer of shown) assert.deepEqual(hits(answer, all), [], answer.slice(0, 2000));
  assert.deepEqual(hits(world.log.join(''), all), [], 'in the log');
  assert.deepEqual(hits(JSON.stringify(world.records), all), [], 'in the record');
  const home = join(world.folder, 'home');
  for (const name of (await readdir(home)).filter((one) => one.startsWith('catalog.db'))) {
    assert.deepEqual(hits(await readFile(join(home, name), 'latin1'), all), [], `in ${name}`);
  }
  assert.deepEqual(hits(process.argv.join(' '), all), []);
});

test('negative control: a secret that slips into an answer or a log is found, also encoded', () => {
  const secret = canary('control');
  for (const form of formsOf(secret)) assert.deepEqual(hits(`…${form}…`, [secret]), [secret], form);
  assert.deepEqual(hits('nothing', [secret]), []);
});

test('every answer carries the headers that keep foreign scripts and frames out', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const script = '<script>alert(1)</script>';
  const page = await owner.get('/api/docs');
  assert.doesNotMatch(page.text, /<script(?! src="\/api\/docs\/app\.js")|style=|onclick|https?:\/\//);
  const reflected = await owner.get(`/api/v1/${encodeURIComponent(script)}`);
  for (const { headers } of [
    page,
    reflected,
    await owner.get('/api/v1/plans'),
    await owner.get('/healthz'),
  ]) {
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }
  assert.match(String(reflected.headers['content-type']), /^application\/problem\+json/);
  assert.equal((await owner.get('/api/v1/plans')).headers['cache-control'], 'no-store');
});
