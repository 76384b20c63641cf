import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, streamOf } from '../../../src/engine/base/bytes.ts';
import { generateKeyText } from '../../../src/engine/crypto/key-text.ts';
import { openStorage } from '../../../src/engine/storage/open-storage.ts';
import { startCountingProxy } from '../../support/counting-proxy.ts';
import { interruptedUpload } from '../../support/interrupted-upload.ts';
import { randomFrom } from '../../support/seed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newBucket, type World } from './world.ts';

export function resumeTests(world: World): void {
  test('s3: what goes out under a limit arrives whole, in one request and in parts', async (t) => {
    const ceph = world();
    const settings = { credentials: ceph.owner, partBytes: 5 * 2 ** 20 };
    const limits = {
      uploadBytesPerSecond: 64 * 2 ** 20,
      downloadBytesPerSecond: 64 * 2 ** 20,
      concurrency: 3,
    };
    for (const checksums of ['when-required', 'when-supported']) {
      const address = ceph.address(await newBucket(ceph), { checksums });
      const storage = await openStorage(address, { s3: settings, limits });
      t.after(() => storage.close());
      const bytes = randomFrom(8).bytes(11 * 2 ** 20);
      assert.equal(await storage.put('whole', bytes), 'created');
      assert.equal(await storage.put('whole', bytes), 'exists');
      assert.equal(
        await storage.put('parts', streamOf(bytes.subarray(0, 70_000), bytes.subarray(70_000))),
        'created',
      );
      assert.equal(await storage.put('empty', Buffer.alloc(0)), 'created');
      for (const name of ['whole', 'parts']) assert.ok((await storage.get(name)).equals(bytes), name);
      assert.equal((await storage.get('empty')).length, 0);
      assert.ok((await collect(storage.open('parts'))).equals(bytes));
    }
  });

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
