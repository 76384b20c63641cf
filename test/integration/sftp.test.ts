import { openSftpStorage } from '../../src/engine/storage/sftp/sftp-storage.ts';
import { storageConformance } from '../conformance/storage.ts';
import { startSshd } from '../support/sshd.ts';

storageConformance('sftp', async (t) => {
  const server = await startSshd(t);
  const storage = await openSftpStorage({ address: server.addressOf('store'), settings: server.settings });
  t.after(() => storage.close());
  return storage;
});
