import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { startCeph } from '../test/support/ceph.ts';
import type { Bucket } from './tools/on-s3.ts';

const NAME = 'bench';

/** A Ceph gateway that keeps objects in memory, with an empty bucket. The caller stops it. */
export async function startBucket(): Promise<{ readonly bucket: Bucket; stop(): Promise<void> }> {
  const ceph = await startCeph();
  const client = ceph.client();
  try {
    await client.send(new CreateBucketCommand({ Bucket: NAME }));
  } catch (error) {
    await ceph.stop();
    throw error;
  } finally {
    client.destroy();
  }
  return { bucket: { endpoint: ceph.endpoint, bucket: NAME, ...ceph.owner }, stop: () => ceph.stop() };
}
