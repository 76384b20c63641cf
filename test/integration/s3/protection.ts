import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { DAY_MS } from '../../../src/engine/base/clock.ts';
import { generateKeyText, parseKeyText } from '../../../src/engine/crypto/key-text.ts';
import { newSigningKey } from '../../../src/engine/crypto/signing.ts';
import { extendLocks } from '../../../src/engine/operations/extend-locks.ts';
import { createRepository } from '../../../src/engine/repository/repository.ts';
import { removeAbandoned } from '../../../src/engine/storage/s3/s3-abandoned.ts';
import { parseS3Address } from '../../../src/engine/storage/s3/s3-address.ts';
import { s3Calls } from '../../../src/engine/storage/s3/s3-calls.ts';
import { s3Client } from '../../../src/engine/storage/s3/s3-client.ts';
import { extendLock } from '../../../src/engine/storage/s3/s3-lock.ts';
import { PATIENCE } from '../../../src/engine/storage/s3/s3-settings.ts';
import type { Ceph } from '../../support/ceph.ts';
import { newBucket, openFor, type World } from './world.ts';

const { signal } = new AbortController();

export function protectionTests(world: World): void {
  describe('s3: what protects objects', () => {
    locks(world);
    versions(world);
    leftovers(world);
    encryption(world);
  });
}

async function lockedUntil(ceph: Ceph, bucket: string, key: string): Promise<number> {
  const client = ceph.client();
  const { Retention } = await client.send(new GetObjectRetentionCommand({ Bucket: bucket, Key: key }));
  client.destroy();
  return Retention?.RetainUntilDate?.getTime() ?? 0;
}

function locks(world: World): void {
  for (const lock of ['governance', 'compliance'] as const) {
    test(`a ${lock} lock: written with it, nobody deletes the version, and it is renewed in time`, async (t) => {
      const ceph = world();
      const bucket = await newBucket(ceph, { locks: true });
      const address = ceph.address(bucket, { lock, 'lock-days': '10' });
      const storage = await openFor(t, address, { credentials: ceph.owner, partBytes: 65536 });
      const stream = async function* () {
        for (let i = 0; i < 3; i += 1) yield Buffer.alloc(65536, i);
      };
      assert.equal(await storage.put('packs/single', Buffer.from('x')), 'created');
      assert.equal(await storage.put('packs/parts', stream()), 'created');
      const client = ceph.client();
      t.after(() => client.destroy());
      for (const name of ['packs/single', 'packs/parts']) {
        const days = ((await lockedUntil(ceph, bucket, name)) - Date.now()) / DAY_MS;
        assert.ok(days > 9.9 && days < 10.1, `${name}: ${days} days`);
        const { VersionId } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: name }));
        await assert.rejects(client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name, VersionId })), {
          name: 'AccessDenied',
        });
        const young = { name, modifiedAtMs: Date.now() };
        assert.equal(await storage.extendLock?.(young), false, 'young objects are not even asked about');
        const old = { name, modifiedAtMs: Date.now() - 6 * DAY_MS };
        assert.equal(await storage.extendLock?.(old), false, 'enough of the lock is left');
      }
      const target = parse(address, ceph);
      const calls = s3Calls(s3Client(target, PATIENCE), target, PATIENCE);
      t.after(() => calls.client.destroy());
      const object = { key: 'packs/single', name: 'packs/single', modifiedAtMs: Date.now(), signal };
      assert.ok(target.lock);
      assert.equal(await extendLock(calls, target.lock, object, Date.now() + 6 * DAY_MS), true);
      const days = ((await lockedUntil(ceph, bucket, 'packs/single')) - Date.now()) / DAY_MS;
      assert.ok(days > 15.9 && days < 16.1, `renewed to ${days} days`);
    });
  }

  test('after a backup, locks are renewed of what a restore needs, and of nothing else', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph, { locks: true });
    const address = ceph.address(bucket, { lock: 'governance', 'lock-days': '10' });
    const storage = await openFor(t, address, { credentials: ceph.owner });
    const credential = parseKeyText(generateKeyText());
    const repository = await createRepository({ storage, credential, signingKey: newSigningKey() });
    const pack = (digit: string) => `packs/${digit.repeat(2)}/${digit.repeat(64)}`;
    for (const name of [pack('a'), pack('b'), `tombstones/${'b'.repeat(64)}`, 'archived/x', 'leases/y'])
      await storage.put(name, Buffer.from(name));
    const asked: string[] = [];
    const watched = {
      ...storage,
      async extendLock({ name }: { name: string }) {
        asked.push(name);
        return true;
      },
    };
    const renewed = await extendLocks({ repository: { ...repository, storage: watched }, signal });
    assert.equal(renewed, asked.length);
    assert.deepEqual(
      asked.filter((name) => /^(packs|tombstones|archived|leases)\//.test(name)),
      [pack('a')],
    );
    assert.ok(asked.includes('config') && asked.some((name) => name.startsWith('keys/')), asked.join());
  });

  test('a bucket that takes no locks refuses the write, and the test of the destination says why', async (t) => {
    const ceph = world();
    const address = ceph.address(await newBucket(ceph), { lock: 'compliance', 'lock-days': '1' });
    const storage = await openFor(t, address, { credentials: ceph.owner });
    await assert.rejects(storage.put('object', Buffer.from('x')), { code: 'storage_io' });
    const findings = (await storage.inspect?.()) ?? [];
    assert.equal(findings.find(({ name }) => name === 'object lock')?.status, 'problem');
  });
}

const parse = (address: string, ceph: Ceph) => parseS3Address(address, { credentials: ceph.owner });

function versions(world: World): void {
  test('what a thief deletes or overwrites is still there as of before', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    const client = ceph.client();
    t.after(() => client.destroy());
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    const storage = await openFor(t, ceph.address(bucket), { credentials: ceph.owner });
    const contents = new Map<string, Buffer>();
    for (let i = 0; i < 12; i += 1) contents.set(`backups/${i}`, Buffer.alloc(1000 + i, `${i}`));
    for (const [name, content] of contents) await storage.put(name, content);
    await storage.remove('backups/3');
    contents.delete('backups/3');
    // Times of versions are whole seconds in a listing.
    await pause(1_500);
    const before = new Date().toISOString();
    await pause(1_500);
    await destroy(t, ceph, bucket, [...contents.keys()]);
    const after: string[] = [];
    for await (const { name } of storage.list('backups/')) after.push(name);
    assert.deepEqual(after, ['backups/0', 'backups/10', 'backups/2', 'backups/4', 'backups/6', 'backups/8']);
    const view = await openFor(t, ceph.address(bucket, { 'as-of': before }), { credentials: ceph.owner });
    const names: string[] = [];
    for await (const { name } of view.list('backups/')) names.push(name);
    assert.deepEqual(names, [...contents.keys()].sort());
    for (const [name, content] of contents) {
      assert.deepEqual(await view.get(name), content);
      assert.equal((await view.stat(name))?.sizeBytes, content.length);
    }
    assert.deepEqual(
      await view.get('backups/10', { offset: 5, length: 7 }),
      contents.get('backups/10')?.subarray(5, 12),
    );
    assert.equal(await view.stat('backups/3'), null);
    await assert.rejects(view.get('backups/3'), { code: 'object_missing' });
    await assert.rejects(view.put('new', Buffer.from('x')), { code: 'storage_denied' });
    await assert.rejects(view.remove('backups/1'), { code: 'storage_denied' });
    const gone = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: 'backups/' }));
    assert.ok((gone.DeleteMarkers ?? []).length > 0, 'the control: they were deleted');
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Odd ones deleted, even ones overwritten. */
async function destroy(t: TestContext, ceph: Ceph, bucket: string, names: readonly string[]): Promise<void> {
  const client = ceph.client();
  t.after(() => client.destroy());
  for (const name of names) {
    const isOdd = Number(name.slice(name.lastIndexOf('/') + 1)) % 2 === 1;
    const place = { Bucket: bucket, Key: name };
    if (isOdd) await client.send(new DeleteObjectCommand(place));
    else await client.send(new PutObjectCommand({ ...place, Body: Buffer.from('ransom note') }));
  }
}

function leftovers(world: World): void {
  test('uploads that a crash left are aborted once they are old, below the folder alone', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    const target = parse(ceph.address(bucket, {}, 'mine'), ceph);
    const calls = s3Calls(s3Client(target, PATIENCE), target, PATIENCE);
    t.after(() => calls.client.destroy());
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    for (const Key of ['mine/a', 'mine/b', 'theirs/c'])
      await calls.client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    assert.equal(await removeAbandoned(calls, Date.now()), 0, 'they may be under way');
    assert.equal(await removeAbandoned(calls, Date.now() + 3 * DAY_MS), 2);
    const left = await calls.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    assert.deepEqual(
      left.Uploads?.map(({ Key }) => Key),
      ['theirs/c'],
    );
  });
}

function encryption(world: World): void {
  test('server-side encryption and storage class are asked for, and what is stored reads back', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    const address = ceph.address(bucket, { sse: 'aws:kms', 'kms-key': 'key-1', 'storage-class': 'STANDARD' });
    const storage = await openFor(t, address, { credentials: ceph.owner, partBytes: 65536 });
    const bytes = Buffer.alloc(200_000, 'encrypted');
    assert.equal(await storage.put('single', bytes), 'created');
    const stream = async function* () {
      yield bytes;
    };
    assert.equal(await storage.put('parts', stream()), 'created');
    const client = ceph.client();
    t.after(() => client.destroy());
    for (const Key of ['single', 'parts']) {
      const { ServerSideEncryption } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      assert.equal(ServerSideEncryption, 'aws:kms');
      assert.deepEqual(await storage.get(Key), bytes);
    }
  });

  // Not in parts: Ceph 16 tells no policy what the beginning of such an upload asks for.
  test('a bucket that takes nothing without encryption takes the probe, too', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    const client = ceph.client();
    t.after(() => client.destroy());
    const statement = {
      ...{ Effect: 'Deny', Principal: { AWS: ['*'] }, Action: ['s3:PutObject'] },
      Resource: [`arn:aws:s3:::${bucket}/*`],
      Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } },
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    const open = (options: Record<string, string>) =>
      openFor(t, ceph.address(bucket, options), { credentials: ceph.owner });
    const without = await open({});
    await assert.rejects(without.put('packs/one', Buffer.from('one')), { code: 'storage_denied' });
    const storage = await open({ sse: 'aws:kms', 'kms-key': 'key-1' });
    assert.equal(await storage.put('packs/one', Buffer.from('one')), 'created');
    assert.equal(await storage.put('packs/one', Buffer.from('one')), 'exists');
  });
}
