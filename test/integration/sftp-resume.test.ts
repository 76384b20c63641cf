import { join } from 'node:path';
import { test } from 'node:test';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { startCountingProxy } from '../support/counting-proxy.ts';
import { interruptedUpload } from '../support/interrupted-upload.ts';
import { startSshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

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
