/** Everything that needs a real S3 server, in one file, so that the server is started once. */
import { after, before } from 'node:test';
import { parseS3Address } from '../../src/engine/storage/s3/s3-address.ts';
import { openS3Storage } from '../../src/engine/storage/s3/s3-storage.ts';
import { storageConformance } from '../conformance/storage.ts';
import { type Ceph, startCeph } from '../support/ceph.ts';
import { copyTests } from './s3/copies.ts';
import { endToEndTests } from './s3/end-to-end.ts';
import { faultTests } from './s3/faults.ts';
import { protectionTests } from './s3/protection.ts';
import { refusalTests } from './s3/refusals.ts';
import { resumeTests } from './s3/resume.ts';
import { serviceTests } from './s3/service.ts';
import { stolenWriterTests } from './s3/stolen-writer.ts';
import { webTests } from './s3/web.ts';
import { newBucket, openFor, warmUp } from './s3/world.ts';

let ceph: Ceph;
before(async () => {
  ceph = await startCeph();
  await warmUp(ceph);
});
after(() => ceph?.stop());

storageConformance('s3, a bucket', async (t) =>
  openFor(t, ceph.address(await newBucket(ceph)), { credentials: ceph.owner }),
);

/** What Supabase does: it accepts `If-None-Match: *` and overwrites all the same. */
storageConformance('s3, as if its server overwrote', async (t) => {
  const target = parseS3Address(ceph.address(await newBucket(ceph)), { credentials: ceph.owner });
  const never = { objects: async () => false, parts: async () => false, otherBytes: async () => false };
  const storage = openS3Storage(target, {}, never);
  t.after(() => storage.close());
  return storage;
});

endToEndTests(() => ceph);
copyTests(() => ceph);
resumeTests(() => ceph);
faultTests(() => ceph);
refusalTests(() => ceph);
protectionTests(() => ceph);
serviceTests(() => ceph);
stolenWriterTests(() => ceph);
webTests(() => ceph);
