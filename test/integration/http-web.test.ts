import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPEN_ROUTES } from '../../src/server/http/open-routes.ts';
import { httpWorld } from '../support/http-world.ts';
import { ensureWebBuild } from '../support/web-build.ts';

test('the page is open to all, even before there is an owner, and has a nonce of its own each time', async (t) => {
  ensureWebBuild();
  const world = await httpWorld(t);
  const client = world.client();
  for (const path of ['/', '/admin']) {
    const answer = await client.get(path);
    assert.deepEqual([answer.status, answer.headers.location], [302, '/admin/'], path);
  }
  const nonces = new Set<string>();
  for (const path of ['/admin/', '/admin/backups', '/admin/backups/some-id?tab=copies']) {
    const { status, headers, text } = await client.get(path);
    assert.equal(status, 200, path);
    assert.equal(headers['cache-control'], 'no-store');
    const policy = String(headers['content-security-policy']);
    const [, nonce = ''] = /style-src 'self' 'nonce-([\w-]{24})'/.exec(policy) ?? [];
    assert.ok(text.includes(`content="${nonce}"`), 'the page knows its nonce');
    assert.match(policy, /default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc="\/admin\/assets\/)/, 'no script in the page itself');
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 3);
});

test('files of the build are packed and kept; what is not there is a problem and no page', async (t) => {
  ensureWebBuild();
  const world = await httpWorld(t);
  const client = world.client();
  const { text } = await client.get('/admin/');
  const script = /src="(\/admin\/assets\/[^"]+\.js)"/.exec(text)![1]!;
  const packed = await client.send('GET', script, { headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(packed.headers['content-encoding'], 'br');
  assert.match(String(packed.headers['cache-control']), /immutable/);
  const plain = await client.get(script);
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.ok(plain.bytes.length > packed.bytes.length);
  for (const path of [
    '/admin/assets/old-1.js',
    '/admin/assets/..%2f..%2fpackage.json',
    '/admin/assets/../../../package.json',
  ]) {
    const { status, json } = await client.get(path);
    assert.deepEqual([status, json?.code], [404, 'route_unknown'], path);
  }
  assert.equal((await client.send('POST', '/admin/', { body: {} })).status, 404);
});

test('the web page is on the written list of open routes, and nothing else below it', () => {
  const own = [...OPEN_ROUTES.keys()].filter((route) => / \/($|admin)/.test(route));
  assert.deepEqual(own, ['GET /', 'GET /admin', 'GET /admin/*']);
});
