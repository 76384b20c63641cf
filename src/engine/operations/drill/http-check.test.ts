import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { HttpCheck } from './drill-types.ts';
import { answerDifference, checkHttp } from './http-check.ts';

const CHECK: HttpCheck = {
  ...{ name: 'one', path: '/', method: 'GET', headers: {}, body: null, status: 200, responseHeaders: {} },
  ...{ json: {}, contains: null, save: {}, timeoutMs: 120_000 },
};

async function served(t: TestContext, handler: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(handler!);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return (server.address() as { port: number }).port;
}

test('status, headers, text and JSON are looked at, in this order', () => {
  const answer = {
    status: 200,
    headers: { 'x-a': 'b' },
    cookies: [],
    body: '{"keys":[{"kid":"one"}],"n":null,"deep":{"a":[1]}}',
  };
  const of = (more: Partial<HttpCheck>) => answerDifference({ ...CHECK, ...more }, answer, new Map());
  assert.equal(of({}), null);
  assert.match(of({ status: 204 })!, /status 200 instead of 204/);
  assert.equal(of({ responseHeaders: { 'X-A': 'b' } }), null);
  assert.match(of({ responseHeaders: { 'X-A': 'c' } })!, /is b instead of c/);
  assert.match(of({ contains: 'two' })!, /does not hold/);
  assert.equal(of({ json: { 'keys.0.kid': 'one', 'keys.length': 1, n: null, 'deep.a': '[1]' } }), null);
  assert.match(of({ json: { 'keys.1.kid': 'one' } })!, /keys\.1\.kid: missing/);
  assert.match(of({ json: { n: { exists: false } } })!, /n: is there/);
  assert.match(of({ json: { constructor: 'x' } })!, /constructor: missing/);
  assert.match(
    answerDifference({ ...CHECK, json: { a: 1 } }, { ...answer, body: '<html>' }, new Map())!,
    /not JSON/,
  );
  assert.match(of({ save: { token: 'deep.b' } })!, /deep\.b: missing, and it is to be kept as token/);
});

test('what is saved and cookies go along; redirects are not followed', async (t) => {
  const seen: string[] = [];
  const port = await served(t, (request, response) => {
    seen.push(
      `${request.method} ${request.url} ${request.headers.authorization ?? ''} ${request.headers.cookie ?? ''}`.trim(),
    );
    if (request.url === '/login') response.setHeader('set-cookie', ['sid=1; HttpOnly', 'other=2']);
    if (request.url === '/away') response.writeHead(302, { location: 'http://192.0.2.1/' });
    response.end('{"token":"abc"}');
  });
  const [saved, cookies] = [new Map<string, string>(), new Map<string, string>()];
  const ask = (more: Partial<HttpCheck>) => checkHttp({ ...CHECK, ...more }, port, saved, cookies);
  assert.equal(await ask({ path: '/login', method: 'POST', body: 'x', save: { token: 'token' } }), null);
  assert.equal(await ask({ path: '/{token}', headers: { authorization: 'Bearer {token} {unknown}' } }), null);
  assert.equal(await ask({ path: '/away', status: 302 }), null);
  assert.deepEqual(seen, [
    'POST /login',
    'GET /abc Bearer abc {unknown} sid=1; other=2',
    'GET /away  sid=1; other=2',
  ]);
});

test('no answer, half an answer and too much of one are no answer', async (t) => {
  const port = await served(t, (request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    } else {
      for (let i = 0; i < 6; i += 1) response.write(Buffer.alloc(1 << 20));
      response.end();
    }
  });
  const ask = (path: string, timeoutMs = 120_000) =>
    checkHttp({ ...CHECK, path, timeoutMs }, port, new Map(), new Map());
  assert.match((await ask('/never', 100))!, /no answer within 100 ms/);
  assert.match((await ask('/half'))!, /no answer/);
  assert.match((await ask('/much'))!, /larger than 4 MiB|no answer/);
});
