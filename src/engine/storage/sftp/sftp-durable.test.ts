/** What a run left that was killed before it synced: a later run that builds on it makes it durable first. */
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { type FakeServer, fakeServer, refusing } from '../../../../test/support/sshd-fake-session.ts';
import { STATUS } from './sftp-failure.ts';
import { type DurableFolders, durableFolders } from './sftp-folders.ts';
import { putRemote, settle } from './sftp-put.ts';

const CONTENT = Buffer.from('content');

interface Losing extends FakeServer {
  /** What is still there after the power was lost: every name of whose folders was synced since it came. */
  survivors(): string[];
  readonly synced: string[];
}

function losingServer(): Losing {
  const kept = new Set(['/', '/store', '/store/.tmp']);
  const synced: string[] = [];
  const server = fakeServer((plain) => ({
    async sync(handle) {
      const folder = handle.toString();
      synced.push(folder);
      if (!server.folders.has(folder)) return plain.sync(handle);
      for (const path of [...server.folders, ...server.files.keys()]) {
        if (posix.dirname(path) === folder) kept.add(path);
      }
      return true;
    },
  }));
  const isKept = (path: string): boolean => path === '/' || (kept.has(path) && isKept(posix.dirname(path)));
  return { ...server, synced, survivors: () => [...server.files.keys()].filter(isKept) };
}

async function nextRun(server: FakeServer, durable: DurableFolders = durableFolders('/store')) {
  await settle(server.session, durable);
  return putRemote(server.link, durable, 'a/b/c', CONTENT, {});
}

test('an object below folders that somebody else made and never synced survives', async () => {
  const server = losingServer();
  for (const folder of ['/store/a', '/store/a/b']) server.folders.add(folder);
  await nextRun(server);
  assert.deepEqual(server.survivors(), ['/store/a/b/c']);

  const trusting = losingServer();
  for (const folder of ['/store/a', '/store/a/b']) trusting.folders.add(folder);
  const durable = durableFolders('/store');
  durable.known.add('/store/a/b');
  await nextRun(trusting, durable);
  assert.deepEqual(trusting.survivors(), [], 'the control: without syncing their parents it is gone');
});

test('an object that was published and never synced survives, since its temporary name is still there', async () => {
  for (const isTold of [true, false]) {
    const server = losingServer();
    for (const folder of ['/store/packs', '/store/packs/aa']) server.folders.add(folder);
    server.files.set('/store/packs/aa/old', CONTENT);
    if (isTold) server.files.set('/store/.tmp/left', CONTENT);
    await nextRun(server);
    const survivors = server.survivors().filter((path) => !path.includes('.tmp'));
    const wanted = isTold ? ['/store/packs/aa/old', '/store/a/b/c'] : ['/store/a/b/c'];
    assert.deepEqual(survivors, wanted, isTold ? '' : 'the control: nothing tells of it');
  }
});

test('a put whose folder cannot be synced fails, and leaves the name that tells the next run', async () => {
  let isBroken = true;
  const server = losingServer();
  const { sync } = server.session;
  server.session.sync = (handle) =>
    isBroken && handle.toString() === '/store/a/b' ? refusing(STATUS.failure)() : sync(handle);
  await assert.rejects(nextRun(server));
  const names = [...server.files.keys()];
  assert.equal(names.filter((path) => path.startsWith('/store/.tmp/')).length, 1, names.join());
  isBroken = false;
  await settle(server.session, durableFolders('/store'));
  assert.ok(server.survivors().includes('/store/a/b/c'));
});

test('each folder is made durable once, and a server that cannot sync is asked once', async () => {
  const server = losingServer();
  server.folders.add('/store/a').add('/store/a/b');
  const durable = durableFolders('/store');
  await nextRun(server, durable);
  const before = server.synced.length;
  await putRemote(server.link, durable, 'a/b/d', CONTENT, {});
  const folders = server.synced.slice(before).filter((path) => !path.includes('.tmp'));
  assert.deepEqual(folders, ['/store/a/b']);

  let asked = 0;
  const cannot = fakeServer(() => ({
    async sync() {
      asked += 1;
      return false;
    },
  }));
  for (let i = 0; i < 30; i += 1) cannot.folders.add(`/store/${i}`);
  cannot.files.set('/store/.tmp/left', CONTENT);
  await settle(cannot.session, durableFolders('/store'));
  assert.equal(asked, 1);
});
