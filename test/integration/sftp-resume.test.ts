import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { streamOf } from '../../src/engine/base/bytes.ts';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { openStorage } from '../../src/engine/storage/open-storage.ts';
import { startCountingProxy } from '../support/counting-proxy.ts';
import { interruptedUpload } from '../support/interrupted-upload.ts';
import { randomFrom } from '../support/seed.ts';
import { startSshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('sftp: what goes out under a limit arrives whole', async (t) => {
  const server = await startSshd(t);
  const proxy = await startCountingProxy(server.port);
  t.after(() => proxy.stop());
  const limits = { uploadBytesPerSecond: 16 * 2 ** 20, concurrency: 2 };
  const storage = await openStorage(server.addressOf('limited', proxy.port), {
    sftp: server.settings,
    limits,
  });
  t.after(() => storage.close());
  const bytes = randomFrom(8).bytes(5 * 2 ** 20);
  assert.deepEqual(
    await Promise.all([
      storage.put('a', bytes),
      storage.put('b', streamOf(bytes)),
      storage.put('c', [bytes, bytes]),
    ]),
    ['created', 'created', 'created'],
  );
  assert.ok(proxy.sent() > 4 * bytes.length);
  assert.ok((await storage.get('a')).equals(bytes));
  assert.ok((await storage.get('b')).equals(bytes));
  assert.ok((await storage.get('c')).equals(Buffer.concat([bytes, bytes])));
});

test('sftp: a killed backup does not send again what is there', async (t) => {
  const server = await startSshd(t);
  const folder = await temporaryFolder(t);
  const proxy = await startCountingProxy(server.port);
  t.after(() => proxy.stop());
  const environment = {
    HOLDFAST_HOME: join(folder, 'home'),
    HOLDFAST_REPOSITORY: server.addressOf('resumed', proxy.port),
    SFTP_PRIVATE_KEY_FILE: join(server.base, 'login-key'),
    SFTP_HOST_KEY: server.fingerprint,
    BACKUP_ENCRYPTION_KEY: generateKeyText(),
  };
  await interruptedUpload(t, { folder, environment, proxy });
});
