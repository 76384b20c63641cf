/** The suite of every storage against a real OpenSSH server, as it is and without what it adds to the protocol. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSftpStorage } from '../../src/engine/storage/sftp/sftp-storage.ts';
import { storageConformance } from '../conformance/storage.ts';
import { randomFrom } from '../support/seed.ts';
import { type SshdOptions, startSshd } from '../support/sshd.ts';

/** A server of another make: no hard links, no sync, no word about free space, small packets only. */
const PLAIN = { config: ['Subsystem sftp internal-sftp -P hardlink,fsync,statvfs,posix-rename,limits'] };

async function store(t: TestContext, options: SshdOptions) {
  const server = await startSshd(t, options);
  const storage = await openSftpStorage({ address: server.addressOf('store'), settings: server.settings });
  t.after(() => storage.close());
  return storage;
}

storageConformance('sftp', (t) => store(t, {}));
storageConformance('sftp without extensions', (t) => store(t, PLAIN));

test('a server without extensions says nothing about free space, and one with them does', async (t) => {
  assert.equal(await (await store(t, PLAIN)).freeBytes(), null);
  assert.equal(typeof (await (await store(t, {})).freeBytes()), 'number');
});

test('a server that asks for new keys in the middle of objects gets them, and every byte arrives', async (t) => {
  const storage = await store(t, { config: ['RekeyLimit 1M'] });
  const content = randomFrom(5).bytes(3_000_000);
  const many = Array.from({ length: 4 }, () => content);
  assert.equal(await storage.put('large', many), 'created');
  assert.ok((await storage.get('large')).equals(Buffer.concat(many)));
});
