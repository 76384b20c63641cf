/** Lines that break, servers that go, and what an object may look like afterwards: whole or not there. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { collect } from '../../src/engine/base/bytes.ts';
import { codeOf } from '../../src/engine/base/errors.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { hostTrust } from '../../src/engine/storage/sftp/host-key.ts';
import { parseSftpAddress } from '../../src/engine/storage/sftp/sftp-address.ts';
import { connectSftp } from '../../src/engine/storage/sftp/sftp-connect.ts';
import type { Patience } from '../../src/engine/storage/sftp/sftp-link.ts';
import { openSftpStorage } from '../../src/engine/storage/sftp/sftp-storage.ts';
import { uploadOf } from '../../src/engine/storage/sftp/sftp-upload.ts';
import { writeRemote } from '../../src/engine/storage/sftp/sftp-write.ts';
import { count } from '../support/counts.ts';
import { randomFrom } from '../support/seed.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { type Direction, type SshdProxy, startSshdProxy } from '../support/sshd-proxy.ts';

const NO_RETRY: Patience = { firstMs: 0, laterMs: 0, attempts: 1 };
const RETRY: Patience = { firstMs: 120_000, laterMs: 300_000, attempts: 5 };
/** Later cuts hit the tidying up, behind which nothing is left to go wrong. */
const MOST_PACKETS = 60;

interface World {
  readonly server: TestSshd;
  readonly proxy: SshdProxy;
  open(patience: Patience, silenceMs?: number): Promise<Storage>;
  pathOf(name: string): string;
}

async function world(t: TestContext): Promise<World> {
  const server = await startSshd(t);
  const proxy = await startSshdProxy(t, server.port);
  const address = server.addressOf('store', proxy.port);
  return {
    server,
    proxy,
    async open(patience, silenceMs = 10_000) {
      const storage = await openSftpStorage({ address, settings: server.settings, patience, silenceMs });
      t.after(() => storage.close());
      return storage;
    },
    pathOf: (name) => join(server.folder, 'store', name),
  };
}

const CONTENT = randomFrom(3).bytes(700_000);

/** What was stored under a name, looked at on the server's own disk: null, or every byte. */
function stored({ pathOf }: World, name: string): Buffer | null {
  return existsSync(pathOf(name)) ? readFileSync(pathOf(name)) : null;
}

/** Cuts at every n-th packet in turn until one put sees no cut; calls `look` after each. */
async function cutAtEachPacket(
  { proxy, open }: World,
  patience: Patience,
  put: (storage: Storage, name: string) => Promise<unknown>,
  look: (name: string, outcome: unknown, isCut: boolean) => void,
): Promise<number> {
  let cuts = 0;
  const step = count(3, 1);
  for (const direction of ['to server', 'to client'] satisfies Direction[]) {
    let storage = await open(patience);
    for (let packet = 0; packet < MOST_PACKETS; packet += step) {
      const name = `deep/${direction.replace(' ', '-')}-${packet}/object`;
      const before = proxy.connections;
      proxy.arm(direction, packet);
      const outcome = await put(storage, name).catch((error: unknown) => error);
      proxy.disarm();
      const isCut = proxy.packets[direction] > packet || proxy.connections > before;
      look(name, outcome, isCut);
      if (!isCut) break;
      cuts += 1;
      if (patience === NO_RETRY) {
        await storage.close();
        storage = await open(patience);
      }
    }
    await storage.close();
  }
  return cuts;
}

test('a line cut at any packet of a put leaves the whole object or none, and no success without it', async (t) => {
  const at = await world(t);
  let failures = 0;
  const cuts = await cutAtEachPacket(
    at,
    NO_RETRY,
    (storage, name) => storage.put(name, CONTENT),
    (name, outcome, isCut) => {
      const bytes = stored(at, name);
      if (bytes !== null) assert.ok(bytes.equals(CONTENT), `${name}: half an object`);
      if (outcome === 'created') assert.ok(bytes !== null, `${name}: called a success`);
      else assert.equal(codeOf(outcome), 'storage_unreachable', String(outcome));
      if (outcome !== 'created') failures += 1;
      if (!isCut) assert.equal(outcome, 'created');
    },
  );
  assert.ok(cuts > 5 && failures > 5, `${failures} failures by ${cuts} cuts`);
});

test('with patience the same cuts change nothing: created, and every byte there', async (t) => {
  const at = await world(t);
  const cuts = await cutAtEachPacket(
    at,
    RETRY,
    (storage, name) => storage.put(name, CONTENT),
    (name, outcome) => {
      assert.equal(outcome, 'created', `${name}: ${outcome}`);
      assert.ok(stored(at, name)?.equals(CONTENT), name);
    },
  );
  assert.ok(cuts > 5, `${cuts} cuts`);
});

test('negative control: writing to the final name is caught by the same cuts', async (t) => {
  const at = await world(t);
  const { server, proxy } = at;
  const address = parseSftpAddress(server.addressOf('store', proxy.port));
  mkdirSync(at.pathOf('direct'), { recursive: true });
  let partial = 0;
  for (let packet = 0; packet < 12; packet += 1) {
    const trust = hostTrust({ ...address, fingerprints: [server.fingerprint], knownHosts: '' });
    const limits = { connectMs: 10_000, silenceMs: 10_000 };
    const session = await connectSftp({ address, settings: server.settings, trust, ...limits });
    proxy.arm('to server', packet);
    await writeRemote(session, at.pathOf(`direct/${packet}`), uploadOf(CONTENT), {}).catch(() => {});
    session.end('the test is over');
    const bytes = stored(at, `direct/${packet}`);
    if (bytes !== null && !bytes.equals(CONTENT)) partial += 1;
  }
  assert.ok(partial > 0, 'the harness sees half an object where there is one');
});

test('a line cut while reading is not noticed, and without patience it is an error and never fewer bytes', async (t) => {
  const at = await world(t);
  const big = randomFrom(4).bytes(5_000_000);
  const patient = await at.open(RETRY);
  await patient.put('big', big);
  const reads = {
    get: (storage: Storage) => storage.get('big'),
    range: (storage: Storage) => storage.get('big', { offset: 1000, length: 4_000_000 }),
    open: (storage: Storage) => collect(storage.open('big')),
  };
  for (const [kind, read] of Object.entries(reads)) {
    const wanted = kind === 'range' ? big.subarray(1000, 4_001_000) : big;
    for (const bytes of count(0, 1) === 1 ? [100, 60_000, 2_500_000] : [100, 2_500_000]) {
      const before = at.proxy.connections;
      at.proxy.armBytes('to client', bytes);
      assert.ok((await read(patient)).equals(wanted), `${kind} after ${bytes} bytes`);
      assert.equal(at.proxy.connections, before + 1, 'the line was not cut');
      const impatient = await at.open(NO_RETRY);
      at.proxy.armBytes('to client', bytes);
      await assert.rejects(read(impatient), { code: 'storage_unreachable' }, `${kind} after ${bytes} bytes`);
      await impatient.close();
      // The cut took the line of the patient one as well, which looks again with its next call.
      assert.equal((await patient.stat('big'))?.sizeBytes, big.length);
    }
  }
});

test('a stream goes on where its line broke, and without patience it fails and leaves nothing', async (t) => {
  const at = await world(t);
  const storage = await at.open(RETRY);
  let pulled = 0;
  async function* parts() {
    for (let i = 0; i < 20; i += 1) {
      pulled += 1;
      yield Buffer.alloc(CONTENT.length, CONTENT.subarray(i));
    }
  }
  const whole = await collect(parts());
  pulled = 0;
  for (const bytes of [100, 5_000_000]) {
    at.proxy.armBytes('to server', bytes);
    const before = at.proxy.connections;
    assert.equal(await storage.put(`stream-${bytes}`, parts()), 'created');
    assert.equal(at.proxy.connections, before + 1, 'the line was not cut');
    assert.ok(stored(at, `stream-${bytes}`)?.equals(whole));
  }
  assert.equal(pulled, 40, 'each part was asked for once');
  const impatient = await at.open(NO_RETRY);
  at.proxy.armBytes('to server', 5_000_000);
  await assert.rejects(impatient.put('stream', parts()), { code: 'storage_unreachable' });
  assert.equal(stored(at, 'stream'), null);
});

test('a server that restarts is waited for', async (t) => {
  const { server, open, pathOf } = await world(t);
  const storage = await open(RETRY);
  await storage.put('before', CONTENT);
  await server.kill();
  const later = storage.put('during', CONTENT);
  const reading = storage.get('before');
  await server.start();
  assert.equal(await later, 'created');
  assert.ok((await reading).equals(CONTENT));
  assert.ok(readFileSync(pathOf('during')).equals(CONTENT));
});

test('a server that stays away, or falls silent, ends in an error that names it', async (t) => {
  const { server, proxy, open } = await world(t);
  const patient = await open(RETRY);
  await patient.put('object', CONTENT);
  const silent = await open(NO_RETRY, 300);
  proxy.freeze();
  await assert.rejects(silent.get('object'), {
    code: 'storage_unreachable',
    message: /^sftp:\/\/.*does not answer: it gave no answer for 0\.3 seconds$/,
  });
  proxy.thaw();
  assert.ok((await patient.get('object')).equals(CONTENT), 'a new connection is made');
  await server.kill();
  await assert.rejects(silent.get('object'), { code: 'storage_unreachable' });
  await assert.rejects(open(NO_RETRY), { code: 'storage_unreachable' });
});

test('an abort ends a call that waits for a silent server', async (t) => {
  const { proxy, open } = await world(t);
  const storage = await open(RETRY, 60_000);
  await storage.put('object', CONTENT);
  proxy.freeze();
  const ending = new AbortController();
  const reading = storage.get('object', undefined, { signal: ending.signal });
  ending.abort(new Error('stop'));
  await assert.rejects(reading, /stop/);
  await assert.rejects(storage.put('other', CONTENT, { signal: ending.signal }), /stop/);
});

test('temporary files of dead connections go with the next put', async (t) => {
  const { proxy, open, pathOf } = await world(t);
  const storage = await open(RETRY);
  await storage.put('first', CONTENT);
  proxy.armBytes('to server', 300_000);
  assert.equal(await storage.put('second', CONTENT), 'created');
  assert.deepEqual(readdirSync(pathOf('.tmp')), []);
});
