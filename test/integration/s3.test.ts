/** Everything that needs a real S3 server, in one file, so that the server is started once. */
import { after, before } from 'node:test';
import { storageConformance } from '../conformance/storage.ts';
import { type Ceph, startCeph } from '../support/ceph.ts';
import { endToEndTests } from './s3/end-to-end.ts';
import { faultTests } from './s3/faults.ts';
import { protectionTests } from './s3/protection.ts';
import { refusalTests } from './s3/refusals.ts';
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

endToEndTests(() => ceph);
faultTests(() => ceph);
refusalTests(() => ceph);
protectionTests(() => ceph);
