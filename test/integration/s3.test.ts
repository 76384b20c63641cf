/** Everything that needs a real S3 server, in one file, so that the server is started once. */
import { after, before } from 'node:test';
import { storageConformance } from '../conformance/storage.ts';
import { type Ceph, startCeph } from '../support/ceph.ts';
import { endToEndTests } from './s3/end-to-end.ts';
import { newBucket, openFor } from './s3/world.ts';

let ceph: Ceph;
before(async () => {
  ceph = await startCeph();
});
after(() => ceph?.stop());

storageConformance('s3, a bucket', async (t) =>
  openFor(t, ceph.address(await newBucket(ceph)), { credentials: ceph.owner }),
);

endToEndTests(() => ceph);
