/** Reliability test 42: whoever stole the writer's login does the worst; every earlier backup restores through versions. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { generateKeyText } from '../../../src/engine/crypto/key-text.ts';
import { count } from '../../support/counts.ts';
import { runCli } from '../../support/run-cli.ts';
import { randomFrom, type SeededRandom, seededRandom } from '../../support/seed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newBucket, type World } from './world.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Version {
  readonly Key: string;
  readonly VersionId: string;
}

async function versionsIn(client: S3Client, bucket: string): Promise<Version[]> {
  const { Versions = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 1000 }),
  );
  return Versions.map(({ Key, VersionId }) => ({ Key: Key!, VersionId: VersionId! }));
}

/** One hostile call with the login of the writer. True when the server let it happen. */
async function harm(
  client: S3Client,
  bucket: string,
  { Key, VersionId }: Version,
  random: SeededRandom,
): Promise<boolean> {
  const place = { Bucket: bucket, Key };
  const soon = new Date(Date.now() + 1000);
  const junk = Buffer.from(`ransom ${random.int(1e9)}`);
  const calls = [
    () => client.send(new DeleteObjectCommand({ ...place, VersionId })),
    () => client.send(new DeleteObjectCommand({ ...place, VersionId, BypassGovernanceRetention: true })),
    () => client.send(new DeleteObjectCommand(place)),
    () => client.send(new PutObjectCommand({ ...place, Body: junk })),
    () =>
      client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: `${Key.replace(/[^/]*$/, '')}${random.int(1e9)}`,
          Body: junk,
        }),
      ),
    () =>
      client.send(
        new PutObjectRetentionCommand({
          ...place,
          VersionId,
          Retention: { Mode: 'COMPLIANCE', RetainUntilDate: soon },
        }),
      ),
    () =>
      client.send(
        new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Suspended' } }),
      ),
  ];
  return random
    .pick(calls)()
    .then(
      () => true,
      () => false,
    );
}

interface Attack {
  readonly locked: boolean;
  readonly backups: number;
  readonly calls: number;
  readonly random: SeededRandom;
}

/** Makes backups, has them attacked, and gives the ids that still restore to the bytes they had. */
async function attacked(t: TestContext, world: World, { locked, backups, calls, random }: Attack) {
  const ceph = world();
  const folder = await temporaryFolder(t);
  const bucket = await newBucket(ceph, { locks: locked });
  const client = ceph.client();
  t.after(() => client.destroy());
  if (!locked)
    await client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
  const environment = {
    HOLDFAST_HOME: join(folder, 'home'),
    BACKUP_ENCRYPTION_KEY: generateKeyText(),
    S3_ACCESS_KEY_ID: ceph.owner.accessKeyId,
    S3_SECRET_ACCESS_KEY: ceph.owner.secretAccessKey,
  };
  const run = async (options: Record<string, string>, ...args: string[]) =>
    runCli([...args, '--json'], {
      folder,
      environment: { ...environment, HOLDFAST_REPOSITORY: ceph.address(bucket, options, 'main') },
    });
  const writing: Record<string, string> = locked ? { lock: 'compliance', 'lock-days': '1' } : {};
  const made: { id: string; bytes: Buffer }[] = [];
  assert.equal((await run(writing, 'init')).status, 0);
  for (let i = 0; i < backups; i += 1) {
    const bytes = randomFrom(i).bytes(300_000);
    await writeFile(join(folder, 'data'), bytes);
    const done = await run(writing, 'backup', 'data');
    assert.equal(done.status, 0, done.stderr);
    made.push({ id: (JSON.parse(done.stdout) as { backupId: string }).backupId, bytes });
  }
  // Times of versions are whole seconds in a listing.
  await pause(1500);
  const before = new Date().toISOString();
  await pause(1500);
  const targets = await versionsIn(client, bucket);
  let refused = 0;
  for (let i = 0; i < calls; i += 1)
    if (!(await harm(client, bucket, random.pick(targets), random))) refused += 1;
  // And once at everything, so that no luck of the dice spares an object.
  for (const { Key, VersionId } of targets) {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key })).catch(() => {});
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId })).catch(() => {});
  }
  const now = await run({}, 'list');
  const restored: string[] = [];
  for (const { id, bytes } of made) {
    const target = join(folder, `back-${id}`);
    const done = await run({ 'as-of': before }, 'restore', id, 'data', '--to', target, '--confirm-restore');
    if (done.status === 0 && (await readFile(target)).equals(bytes)) restored.push(id);
  }
  return { made: made.map(({ id }) => id), restored, refused, calls, nowStatus: now.status };
}

export function stolenWriterTests(world: World): void {
  test('s3: a stolen login deletes, overwrites and unlocks what it can, and every earlier backup restores as of before', async (t) => {
    const outcome = await attacked(t, world, {
      ...{ locked: true, backups: 3, calls: count(80, 500) },
      random: seededRandom('stolen writer'),
    });
    t.diagnostic(`${outcome.refused} of ${outcome.calls} hostile calls were refused`);
    assert.deepEqual(outcome.restored, outcome.made);
    assert.ok(
      outcome.refused > 0 && outcome.refused < outcome.calls,
      'some calls were let through, some refused',
    );
    assert.notEqual(outcome.nowStatus, 0, 'the control: what is there now is ruined');
  });

  test('s3: negative control: without locks the same attack leaves nothing to restore', async (t) => {
    const outcome = await attacked(t, world, {
      ...{ locked: false, backups: count(1, 3), calls: count(20, 500) },
      random: seededRandom('stolen writer, no locks'),
    });
    assert.deepEqual(outcome.restored, []);
  });
}
