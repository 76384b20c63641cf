import { test } from 'node:test';
import { generateKeyText } from '../../../src/engine/crypto/key-text.ts';
import { startCountingProxy } from '../../support/counting-proxy.ts';
import { interruptedUpload } from '../../support/interrupted-upload.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newBucket, type World } from './world.ts';

export function resumeTests(world: World): void {
  test('s3: a killed backup does not send again what is there', async (t) => {
    const ceph = world();
    const folder = await temporaryFolder(t);
    const proxy = await startCountingProxy(ceph.port);
    t.after(() => proxy.stop());
    const endpoint = `http://127.0.0.1:${proxy.port}`;
    const environment = {
      HOLDFAST_HOME: `${folder}/home`,
      HOLDFAST_REPOSITORY: ceph.address(await newBucket(ceph), { endpoint }, 'resumed'),
      BACKUP_ENCRYPTION_KEY: generateKeyText(),
      S3_ACCESS_KEY_ID: ceph.owner.accessKeyId,
      S3_SECRET_ACCESS_KEY: ceph.owner.secretAccessKey,
    };
    await interruptedUpload(t, { folder, environment, proxy });
  });
}
