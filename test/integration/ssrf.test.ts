/** Reliability test 38: nobody talks the server into a connection to a place that it may not reach. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp, get } from 'node:http';
import { type AddressInfo, createServer, isIP, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { workplaceOf } from '../../src/cli/workplace.ts';
import { configSchema } from '../../src/contracts/config.ts';
import { codeOf, generateKeyText } from '../../src/engine/index.ts';
import { openStorage } from '../../src/engine/storage/open-storage.ts';
import { PATIENCE } from '../../src/engine/storage/s3/s3-settings.ts';
import {
  addressRefusal,
  type Outbound,
  outboundPolicy,
  publicOnly,
  type ResolvedAddress,
  vettedAgents,
  vettedDial,
  vettedRequest,
  vettedSocket,
} from '../../src/server/outbound/index.ts';
import { fakeCli, fakeIo } from '../support/fake-io.ts';
import { HOSTILE_HOSTS } from '../support/hostile-hosts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const REFUSED = ['address_refused', 'config_invalid', 'host_unresolved'];
const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });

/** A place that nothing may connect to; counts who did. */
async function canary(t: TestContext): Promise<{ port: number; hits: () => number }> {
  let hits = 0;
  const open = async (host: string, port: number): Promise<Server> => {
    const server = createServer((socket) => {
      hits += 1;
      socket.on('error', () => {});
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
    server.listen({ host, port, ipv6Only: host === '::' });
    await once(server, 'listening');
    t.after(() => server.close());
    return server;
  };
  const server = await open('0.0.0.0', 0);
  const { port } = server.address() as AddressInfo;
  await open('::', port).catch(() => null);
  return { port, hits: () => hits };
}

/** A receiver at another address of this machine, which the policy of the test allows. */
async function receiver(t: TestContext, answer: { status: number; headers?: Record<string, string> }) {
  const hosts: string[] = [];
  const server = createHttp((request, response) => {
    hosts.push(request.headers.host!);
    response.writeHead(answer.status, answer.headers).end('seen');
  });
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, hosts };
}

const codeAfter = (work: Promise<unknown>) =>
  work.then(
    () => 'connected',
    (error) => codeOf(error) ?? 'foreign',
  );
const post = (url: string, outbound: Outbound) =>
  vettedRequest({ url, method: 'POST', body: '{}', timeoutMs: 2000 }, outbound);

test('webhook: no spelling of an inner address is connected to', async (t) => {
  const { port, hits } = await canary(t);
  assert.ok(HOSTILE_HOSTS.length >= 150, `${HOSTILE_HOSTS.length} spellings`);
  const wrong: string[] = [];
  for (const host of HOSTILE_HOSTS) {
    for (const [scheme, place] of [
      ['http', withPort(host, port)],
      ['https', host],
    ] as const) {
      const code = await codeAfter(post(`${scheme}://${place}/`, { policy: publicOnly }));
      if (!REFUSED.includes(code)) wrong.push(`${scheme}://${place}: ${code}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.equal(hits(), 0);
});

/** Before what ends the host part of an address. */
const withPort = (host: string, port: number) => host.replace(/(?=[#?\\])|$/, `:${port}`);

test('control: a client that looks at the text of the host is talked into dozens', async (t) => {
  const { port, hits } = await canary(t);
  const naive = (host: string) => {
    if (/^(localhost|127\.0\.0\.1|\[::1\]|10\.|192\.168\.|169\.254\.)/.test(host)) return null;
    const url = URL.parse(`http://${withPort(host, port)}/`);
    const isHere = url !== null && /^(127\.|0\.0\.0\.0|localhost|\[::(1|ffff:7f.*)?\])/.test(url.hostname);
    if (!isHere) return null;
    return new Promise((resolve) => get(url, resolve).on('error', resolve));
  };
  for (const host of HOSTILE_HOSTS) await naive(host);
  assert.ok(hits() >= 30, `${hits()} connections`);
});

test('a name is resolved once, and that answer is connected to', async (t) => {
  const { hits, port: canaryPort } = await canary(t);
  const good = await receiver(t, { status: 200 });
  let questions = 0;
  const outbound: Outbound = {
    policy: outboundPolicy(['127.0.0.2']),
    // The address changes as soon as it was asked for.
    resolve: async () => [v4(questions++ === 0 ? '127.0.0.2' : '127.0.0.1')],
  };
  const answer = await post(`http://rebind.example:${good.port}/hook`, outbound);
  assert.equal(answer.status, 200);
  assert.deepEqual(good.hosts, [`rebind.example:${good.port}`]);
  assert.equal(questions, 1);
  // The second answer is the canary's, and it is looked at as well.
  assert.equal(await codeAfter(post(`http://rebind.example:${canaryPort}/`, outbound)), 'address_refused');
  assert.equal(hits(), 0);
});

test('control: checking first and resolving again connects to the second answer', async (t) => {
  const { port, hits } = await canary(t);
  let questions = 0;
  const resolve = async () => [v4(questions++ === 0 ? '127.0.0.2' : '127.0.0.1')];
  const policy = outboundPolicy(['127.0.0.2']);
  const [first] = await resolve();
  assert.equal(addressRefusal(first!.address, policy), null);
  const [second] = await resolve();
  await new Promise((done) => get({ host: second!.address, port }, done).on('error', done));
  assert.equal(hits(), 1);
});

test('a name with one inner address among public ones is refused, in either order', async (t) => {
  const { port, hits } = await canary(t);
  for (const answers of [
    [v4('93.184.216.34'), v4('127.0.0.1')],
    [v4('127.0.0.1'), v4('93.184.216.34')],
    [v4('93.184.216.34'), { address: '::ffff:127.0.0.1', family: 6 } as const],
    [{ address: 'fe80::1%lo', family: 6 } as const],
  ]) {
    const outbound: Outbound = { policy: publicOnly, resolve: async () => answers };
    assert.equal(await codeAfter(post(`http://mixed.example:${port}/`, outbound)), 'address_refused');
  }
  assert.equal(hits(), 0);
});

test('a redirect is an answer, never followed', async (t) => {
  const { port, hits } = await canary(t);
  for (const status of [301, 302, 303, 307, 308]) {
    const trap = await receiver(t, { status, headers: { Location: `http://127.0.0.1:${port}/` } });
    const outbound: Outbound = { policy: outboundPolicy(['127.0.0.2/32', '127.0.0.1']) };
    const answer = await post(`http://127.0.0.2:${trap.port}/`, outbound);
    assert.equal(answer.status, status);
  }
  assert.equal(hits(), 0);
});

test('control: a client that follows redirects arrives', async (t) => {
  const { port, hits } = await canary(t);
  const trap = await receiver(t, { status: 302, headers: { Location: `http://127.0.0.1:${port}/` } });
  await fetch(`http://127.0.0.2:${trap.port}/`, { method: 'POST', body: '{}' });
  assert.equal(hits(), 1);
});

test('metadata and link-local addresses stay refused whatever is allowed', () => {
  const everything = outboundPolicy(['0.0.0.0/0', '::/0', 'metadata.example']);
  for (const address of [
    ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
    ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', 'fd00:ec2::254', 'fd20:ce::254'],
    ...['fe80::1', 'fe80::1%eth0', 'febf::1', 'fe80::a9fe:a9fe'],
  ]) {
    assert.notEqual(addressRefusal(address, everything, 'metadata.example'), null, address);
  }
  for (const address of ['127.0.0.1', '10.0.0.1', '::1', '::ffff:10.0.0.1', 'fc00::1']) {
    assert.equal(addressRefusal(address, everything), null, address);
    assert.notEqual(addressRefusal(address, publicOnly), null, address);
  }
  for (const address of [
    '8.8.8.8',
    '1.1.1.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '172.32.0.1',
  ]) {
    assert.equal(addressRefusal(address, publicOnly), null, address);
  }
});

test('what an administrator allows is exactly that', () => {
  const policy = outboundPolicy(['10.1.0.0/16', 'fd12::/32', '192.168.7.9', 'minio.internal']);
  const allowed = (address: string) => addressRefusal(address, policy) === null;
  assert.deepEqual(
    ['10.1.255.255', '10.2.0.0', 'fd12::5', 'fd13::5', '192.168.7.9', '192.168.7.10', '::ffff:10.1.0.1'].map(
      allowed,
    ),
    [true, false, true, false, true, false, true],
  );
  assert.equal(addressRefusal('10.9.9.9', policy, 'MinIO.internal'), null);
  assert.notEqual(addressRefusal('10.9.9.9', policy, 'minio.internal.example'), null);
  for (const bad of [
    '10.0.0.0/33',
    'fd12::/129',
    '10.0.0/8',
    'example.org:80',
    '0x7f.1',
    '2130706433',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    'fe80::1%lo/64',
  ]) {
    assert.throws(() => outboundPolicy([bad]), { code: 'config_invalid' }, bad);
  }
});

const QUICK = { ...PATIENCE, attempts: 2, firstAttempts: 2, shortestWaitMs: 1, longestWaitMs: 2 };
const LOGIN = { accessKeyId: 'a', secretAccessKey: 'b' };
const s3 = async (endpoint: string, agents?: ReturnType<typeof vettedAgents>) => {
  const storage = await openStorage(`s3://bucket?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1`, {
    s3: { credentials: LOGIN, patience: QUICK, agents },
  });
  try {
    await storage.get('config');
  } finally {
    await storage.close?.();
  }
};

test('S3: an endpoint inside is refused on every connection, and reached without the vetted agents', async (t) => {
  const { port, hits } = await canary(t);
  const agents = vettedAgents({ policy: publicOnly });
  for (const host of [
    '127.0.0.1',
    '[::1]',
    'localhost',
    '2130706433',
    '0x7f.1',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
  ]) {
    for (const scheme of ['http', 'https']) {
      const code = await codeAfter(s3(`${scheme}://${host}:${port}`, agents));
      assert.notEqual(code, 'connected', host);
    }
  }
  assert.equal(hits(), 0);
  await codeAfter(s3(`http://127.0.0.1:${port}`));
  assert.ok(hits() > 0, 'control: nobody vets');
  const before = hits();
  await codeAfter(s3(`http://127.0.0.1:${port}`, vettedAgents({ policy: outboundPolicy(['127.0.0.1']) })));
  assert.ok(hits() > before, 'an allowed endpoint is reached');
});

test('SFTP and mail: an address inside is refused, and reached when it is allowed', async (t) => {
  const { port, hits } = await canary(t);
  const dialled = async (host: string, outbound: Outbound) => {
    const socket = vettedDial(outbound)(host, port);
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  };
  for (const host of ['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::ffff:127.0.0.1']) {
    assert.equal(await codeAfter(dialled(host, { policy: publicOnly })), 'address_refused', host);
    assert.equal(
      await codeAfter(vettedSocket({ host, port }, { policy: publicOnly })),
      'address_refused',
      host,
    );
  }
  const rebinding = { policy: publicOnly, resolve: async () => [v4('93.184.216.34'), v4('127.0.0.1')] };
  assert.equal(await codeAfter(dialled('mixed.example', rebinding)), 'address_refused');
  const opened = openStorage(`sftp://user@127.0.0.1:${port}/x?hostKey=SHA256:${'A'.repeat(43)}`, {
    sftp: { password: 'p', dial: vettedDial({ policy: publicOnly }) },
  });
  assert.notEqual(await codeAfter(opened), 'connected');
  assert.equal(hits(), 0);
  await dialled('127.0.0.1', { policy: outboundPolicy(['127.0.0.1']) });
  const socket = await vettedSocket({ host: '127.0.0.1', port }, { policy: outboundPolicy(['127.0.0.1']) });
  socket.destroy();
  assert.equal(hits(), 2);
});

test('a worker opens no destination inside that somebody stored, until an administrator allows it', async (t) => {
  const { port, hits } = await canary(t);
  const folder = await temporaryFolder(t);
  const config = configSchema.parse({
    destinations: {
      s3: { address: `s3://bucket?endpoint=http%3A%2F%2F127.0.0.1%3A${port}&region=us-east-1` },
      metadata: { address: 's3://bucket?endpoint=http%3A%2F%2F169.254.169.254&region=us-east-1' },
      sftp: { address: `sftp://user@127.0.0.1:${port}/x?hostKey=SHA256:${'A'.repeat(43)}` },
    },
  });
  const environment = {
    ...{ HOLDFAST_HOME: folder, BACKUP_ENCRYPTION_KEY: generateKeyText() },
    ...{ S3_ACCESS_KEY_ID: 'a', S3_SECRET_ACCESS_KEY: 'b', SFTP_PASSWORD: 'c' },
  };
  const opened = async (name: string, more: Record<string, string> = {}) => {
    const io = fakeIo({ folder, environment: { ...environment, ...more } });
    const { storage } = await (await workplaceOf(fakeCli(io)).destination(config, name)).options();
    const quick = { ...storage, ...(storage?.s3 && { s3: { ...storage.s3, patience: QUICK } }) };
    const { storage: store, close } = await openStorage(config.destinations[name]!.address, quick).then(
      (one) => ({ storage: one, close: () => one.close?.() }),
    );
    await store.get('config').finally(close);
  };
  for (const name of ['s3', 'metadata', 'sftp']) {
    assert.equal(await codeAfter(opened(name)), 'address_refused', name);
    assert.equal(hits(), 0, name);
  }
  const allow = { HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1, 10.0.0.0/8' };
  await codeAfter(opened('s3', allow));
  assert.ok(hits() > 0, 'control: allowed, it is reached');
});

test('every spelling that is an address is one that the kinds know', () => {
  for (const host of HOSTILE_HOSTS) {
    const name = URL.parse(`http://${host}/`)?.hostname.replace(/^\[(.*)\]$/, '$1');
    if (name === undefined || isIP(name) === 0) continue;
    assert.notEqual(addressRefusal(name, publicOnly), null, host);
  }
});
