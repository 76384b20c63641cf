import type { TestContext } from 'node:test';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { openStorage } from '../../../src/engine/storage/open-storage.ts';
import type { Storage } from '../../../src/engine/storage/port.ts';
import type { S3Settings } from '../../../src/engine/storage/s3/s3-settings.ts';
import type { Ceph } from '../../support/ceph.ts';

/** The one server of a test file, started before its tests and stopped after them. */
export type World = () => Ceph;

let buckets = 0;

/** Makes a bucket of the test's own. With `locks`, one that takes object locks and so keeps versions. */
export async function newBucket(ceph: Ceph, options: { locks?: boolean } = {}): Promise<string> {
  buckets += 1;
  const bucket = `bucket-${buckets}`;
  const client = ceph.client();
  await client.send(
    new CreateBucketCommand({ Bucket: bucket, ...(options.locks && { ObjectLockEnabledForBucket: true }) }),
  );
  client.destroy();
  return bucket;
}

/** A storage that is closed when the test ends. */
export async function openFor(
  t: Pick<TestContext, 'after'>,
  address: string,
  settings: S3Settings,
): Promise<Storage> {
  const storage = await openStorage(address, { s3: settings });
  t.after(() => storage.close());
  return storage;
}

/** The first writes make the server's pools, which takes seconds; tests with short limits must not meet that. */
export async function warmUp(ceph: Ceph): Promise<void> {
  const address = ceph.address(await newBucket(ceph));
  const storage = await openStorage(address, { s3: { credentials: ceph.owner } });
  await storage.inspect?.();
  for await (const _ of storage.list('')) break;
  await storage.close();
}
