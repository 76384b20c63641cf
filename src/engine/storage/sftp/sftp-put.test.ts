import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type FakeServer,
  fakeServer,
  losingAnswer,
  refusing,
} from '../../../../test/support/sshd-fake-session.ts';
import { ConnectionLost, STATUS } from './sftp-failure.ts';
import { durableFolders } from './sftp-folders.ts';
import { putRemote } from './sftp-put.ts';
import { readRemote } from './sftp-read.ts';

const CONTENT = Buffer.alloc(600_000, 'content');
const put = ({ link }: FakeServer, content = CONTENT) =>
  putRemote(link, durableFolders('/store'), 'a/b', content, {});
const isClean = ({ files }: FakeServer) => [...files.keys()].every((path) => !path.includes('/.tmp/'));

test('missing folders are made, and only the final name is left', async () => {
  const server = fakeServer();
  assert.equal(await put(server), 'created');
  assert.deepEqual([...server.files.keys()], ['/store/a/b']);
  assert.ok(server.files.get('/store/a/b')?.equals(CONTENT));
  assert.equal(await put(server, Buffer.from('other')), 'exists');
  assert.ok(server.files.get('/store/a/b')?.equals(CONTENT));
  assert.ok(isClean(server));
});

test('a place where nothing can be made is given up', async () => {
  let calls = 0;
  const server = fakeServer((plain) => ({
    async makeFolder(path, mode) {
      calls += 1;
      if (calls > 50) throw new Error('tried for ever');
      return path.startsWith('/store/mount/') ? refusing(STATUS.noSuchFile)() : plain.makeFolder(path, mode);
    },
  }));
  await assert.rejects(putRemote(server.link, durableFolders('/store'), 'mount/a/b', CONTENT, {}), {
    code: 'storage_io',
    message: /^the folder \/store\/mount\/a cannot be made/,
  });
  assert.ok(server.folders.has('/store/mount') && isClean(server));
});

test('the file is synced before it gets its name, and the folder after it, before the put is done', async () => {
  const calls: string[] = [];
  const server = fakeServer((plain) => ({
    sync: async (handle) => {
      calls.push(`sync ${handle.toString().replace(/\.tmp\/.*/, '.tmp/file')}`);
      return plain.sync(handle);
    },
    link: async (from, to) => {
      const done = await plain.link(from, to);
      calls.push(`link ${to}`);
      return done;
    },
  }));
  server.folders.add('/store/a');
  await put(server);
  assert.deepEqual(calls, [
    ...['sync /store/.tmp/file', 'link /store/a/b'],
    // Whoever made the folders may have died before he synced them.
    ...['sync /', 'sync /store'],
    'sync /store/a',
  ]);
});

test('a sync that fails is no success, neither that of the file nor that of the folder', async () => {
  for (const failing of ['/store/.tmp/', '/store/a']) {
    const server = fakeServer((plain) => ({
      sync: async (handle) =>
        handle.toString().startsWith(failing) ? refusing(STATUS.failure)() : plain.sync(handle),
    }));
    server.folders.add('/store/a');
    await assert.rejects(put(server), failing);
  }
  const cannot = fakeServer((plain) => ({
    open: (path, flags, mode) =>
      path === '/store/a' ? refusing(STATUS.failure)() : plain.open(path, flags, mode),
  }));
  cannot.folders.add('/store/a');
  assert.equal(await put(cannot), 'created', 'a server that opens no folders');
});

test('a lost answer to any step ends in created, never in exists', async () => {
  for (const call of [
    'open',
    'write',
    'sync',
    'sizeOf',
    'close',
    'link',
    'makeFolder',
    'stat',
    'remove',
  ] as const) {
    const server = fakeServer((plain) => ({ [call]: losingAnswer(plain[call] as () => Promise<unknown>) }));
    assert.equal(await put(server), 'created', call);
    assert.ok(server.files.get('/store/a/b')?.equals(CONTENT), call);
  }
});

test('without hard links a look and a rename do the same, lost answer included', async () => {
  const unlinked = [async () => false, refusing(STATUS.permissionDenied), refusing(STATUS.failure)];
  for (const link of unlinked) {
    const server = fakeServer(() => ({ link }));
    assert.equal(await put(server), 'created');
    assert.equal(await put(server, Buffer.from('other')), 'exists');
    assert.ok(server.files.get('/store/a/b')?.equals(CONTENT));
    const losing = fakeServer((plain) => ({ link, rename: losingAnswer(plain.rename) }));
    assert.equal(await put(losing), 'created');
    assert.ok(isClean(losing));
  }
});

test("when an answer was lost and somebody else's object has the name, it stays and is said to exist", async () => {
  const server = fakeServer((plain) => ({
    async link(from, to) {
      if (server.files.has(to)) return plain.link(from, to);
      server.files.set(to, Buffer.alloc(CONTENT.length, 'others'));
      throw new ConnectionLost('the request was lost');
    },
  }));
  assert.equal(await put(server), 'exists');
  assert.ok(!server.files.get('/store/a/b')?.equals(CONTENT));
  assert.ok(isClean(server));
});

test('a server that loses bytes and says yes is caught by the size it then has', async () => {
  const server = fakeServer((plain) => ({
    write: (handle, bytes, position) => plain.write(handle, bytes.subarray(0, 1000), position),
  }));
  await assert.rejects(put(server), { code: 'storage_io', message: /the server has \d+ of 600000 bytes/ });
  assert.deepEqual([...server.files.keys()], []);
});

test('negative control: where the size lies too, half an object appears, and this harness sees it', async () => {
  const server = fakeServer((plain) => ({
    write: (handle, bytes, position) => plain.write(handle, bytes.subarray(0, 1000), position),
    sizeOf: async () => CONTENT.length,
  }));
  assert.equal(await put(server), 'created');
  assert.ok(!server.files.get('/store/a/b')?.equals(CONTENT));
});

test('a resumed stream is read back: what a restarted server lost is noticed', async () => {
  async function* stream() {
    for (let at = 0; at < CONTENT.length; at += 50_000) yield CONTENT.subarray(at, at + 50_000);
  }
  for (const loses of [false, true]) {
    let writes = 0;
    const server = fakeServer((plain) => ({
      async write(handle, bytes, position) {
        writes += 1;
        await plain.write(handle, bytes, position);
        if (writes !== 5) return;
        const before = server.files.get(handle.toString())!;
        if (loses) server.files.set(handle.toString(), Buffer.from(before).fill(0, 0, 4096));
        throw new ConnectionLost('the server restarted');
      },
    }));
    const putting = putRemote(server.link, durableFolders('/store'), 'a/b', stream(), {});
    if (loses) await assert.rejects(putting, { code: 'storage_io', message: /lost bytes/ });
    else assert.equal(await putting, 'created');
    assert.equal(server.files.has('/store/a/b'), !loses);
    assert.ok(loses || server.files.get('/store/a/b')?.equals(CONTENT));
    assert.ok(isClean(server));
  }
});

test('a refusal without a reason is a full disk only when the disk is full', async () => {
  const write = refusing(STATUS.failure);
  const full = fakeServer(() => ({ write, freeSpace: async () => ({ bytes: 4096, files: 10 }) }));
  await assert.rejects(put(full), { code: 'storage_full', message: /4096 bytes are free/ });
  const inodes = fakeServer(() => ({ write, freeSpace: async () => ({ bytes: 10 ** 9, files: 0 }) }));
  await assert.rejects(put(inodes), { code: 'storage_full', message: /no more files fit/ });
  const broken = fakeServer(() => ({ write }));
  await assert.rejects(put(broken), { code: 'storage_io' });
  const silent = fakeServer(() => ({ write, freeSpace: async () => null }));
  await assert.rejects(put(silent), { code: 'storage_io' });
  for (const server of [full, inodes, broken, silent]) assert.deepEqual([...server.files.keys()], []);
});

test('short answers are asked for again, and a file that ends before its size is an error', async () => {
  const { session, files } = fakeServer((plain) => ({
    read: (handle, into, position) => plain.read(handle, into.subarray(0, 777), position),
  }));
  files.set('/store/x', CONTENT);
  assert.ok((await readRemote(session, '/store/x', undefined, undefined)).equals(CONTENT));
  const lying = fakeServer(() => ({ sizeOf: async () => CONTENT.length + 1 }));
  lying.files.set('/store/x', CONTENT);
  await assert.rejects(readRemote(lying.session, '/store/x', undefined, undefined), {
    code: 'storage_io',
    message: '/store/x ended after 600000 of 600001 bytes',
  });
});
