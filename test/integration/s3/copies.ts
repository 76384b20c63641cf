import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { backupPayload, verifyPayload } from '../../../src/contracts/cli-payloads.ts';
import { fingerprint } from '../../support/cli-place.ts';
import { copiesPlace } from '../../support/copies-place.ts';
import { runCli } from '../../support/run-cli.ts';
import { randomFrom } from '../../support/seed.ts';
import { newBucket, type World } from './world.ts';

/** A bucket as one of several destinations, its login named by the configuration. */
export function copyTests(world: World): void {
  describe('s3: copies', () => {
    test('copied to a bucket, healed after a wrong secret, mended after damage, restored from it alone', async (t) => {
      const ceph = world();
      const bucket = await newBucket(ceph);
      const address = ceph.address(bucket, {}, 'shop');
      const place = await copiesPlace(
        t,
        `
destinations:
  main: { address: ./main, keys: { current: { env: KEY_A } } }
  offsite:
    address: "${address}"
    keys: { current: { env: KEY_B } }
    s3: { accessKeyId: { env: OFF_ID }, secretAccessKey: { file: ./off.secret } }
sources: { app: { kind: files, path: ./app } }
plans: { nightly: { sources: [app], destinations: [main, offsite] } }
`,
      );
      const { accessKeyId, secretAccessKey } = ceph.owner;
      place.environment.OFF_ID = accessKeyId;
      const secret = join(place.folder, 'off.secret');
      await writeFile(secret, secretAccessKey, { mode: 0o600 });
      await place.write('large', randomFrom(51).bytes(1_500_000));
      await place.json(['init']);
      const first = backupPayload.parse(await place.json(['backup']));
      assert.deepEqual(
        first.copies!.map(({ status }) => status),
        ['stored', 'copied'],
      );

      await writeFile(secret, 'not the secret');
      await place.write('small', 'two');
      const run = await place.run(['backup']);
      assert.equal(run.status, 9, run.stderr);
      assert.match(run.stdout, /offsite: COPY MISSING, 1 backup\n {4}.*secret/);
      assert.ok(!run.stdout.includes('not the secret') && !run.stderr.includes('not the secret'));
      await writeFile(secret, secretAccessKey);
      await place.json(['replicate']);

      const client = ceph.client();
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: 'shop/packs/' }),
      );
      const { Key } = Contents.sort((a, b) => b.Size! - a.Size!)[0]!;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const bytes = await Body!.transformToByteArray();
      bytes[1000]! ^= 1;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: bytes }));
      client.destroy();
      assert.equal((await place.run(['verify'])).status, 4);
      const healed = verifyPayload.parse(await place.json(['verify', '--heal']));
      assert.deepEqual(
        healed.copies!.map((copy) => copy.healed?.backups.length ?? 0),
        [0, 2],
      );

      for (const name of ['main', 'home', 'holdfast.yaml', 'off.secret'])
        await rm(join(place.folder, name), { recursive: true });
      const environment = {
        HOLDFAST_HOME: join(place.folder, 'elsewhere'),
        HOLDFAST_REPOSITORY: address,
        BACKUP_ENCRYPTION_KEY: place.environment.KEY_B!,
        S3_ACCESS_KEY_ID: accessKeyId,
        S3_SECRET_ACCESS_KEY: secretAccessKey,
      };
      const alone = await runCli(['restore', 'latest', '--to', 'restored', '--confirm-restore'], {
        folder: place.folder,
        environment,
      });
      assert.equal(alone.status, 0, alone.stderr);
      assert.deepEqual(
        await fingerprint(join(place.folder, 'restored/app')),
        await fingerprint(join(place.folder, 'app')),
      );
    });
  });
}
