import assert from 'node:assert/strict';
import { createServer as createTlsServer } from 'node:https';
import { describe, test } from 'node:test';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../src/engine/base/errors.ts';
import { testStorage } from '../../../src/engine/operations/test-destination.ts';
import { openStorage } from '../../../src/engine/storage/open-storage.ts';
import { type Ceph, SHORT_PATIENCE } from '../../support/ceph.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { selfSignedCertificate } from '../../support/self-signed.ts';
import { newBucket, openFor, type World } from './world.ts';

const { signal } = new AbortController();

/** The guest may do the one in the bucket, never the other (a server lets a writer read its own unless told), and nothing else. */
async function allow(
  ceph: Ceph,
  bucket: string,
  actions: readonly string[],
  denied: readonly string[] = [],
): Promise<void> {
  const client = ceph.client();
  const statement = (Effect: 'Allow' | 'Deny', names: readonly string[]) => ({
    Effect,
    Principal: { AWS: ['arn:aws:iam:::user/guest'] },
    Action: names.map((name) => `s3:${name}`),
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  });
  const Statement = [statement('Allow', actions), ...(denied.length > 0 ? [statement('Deny', denied)] : [])];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  client.destroy();
}

async function failureOf(work: Promise<unknown>): Promise<HoldfastError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  return error;
}

export function refusalTests(world: World): void {
  describe('s3: what is refused, and why', () => {
    logins(world);
    transports(world);
    permissions(world);
  });
}

function logins(world: World): void {
  test('a wrong secret, an unknown key, a missing bucket, a silent address', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    const { owner } = ceph;
    const statOf = async (address: string, credentials = owner) => {
      const storage = await openFor(t, address, { credentials, patience: SHORT_PATIENCE });
      return failureOf(storage.stat('config'));
    };
    const wrongSecret = await failureOf(
      (await openFor(t, ceph.address(bucket), { credentials: { ...owner, secretAccessKey: 'no' } })).get('x'),
    );
    assert.equal(wrongSecret.code, 'storage_denied');
    assert.match(wrongSecret.message, /secret key does not belong to the access key/);
    assert.match(wrongSecret.next, /S3_SECRET_ACCESS_KEY/);
    const unknown = await failureOf(
      (await openFor(t, ceph.address(bucket), { credentials: { ...owner, accessKeyId: 'NO' } })).get('x'),
    );
    assert.match(unknown.message, /does not know the access key/);
    const missing = await statOf(ceph.address('no-such-bucket'));
    assert.equal(missing.code, 'bucket_missing');
    assert.match(missing.message, /no-such-bucket/);
    const silent = await statOf(ceph.address(bucket, { endpoint: 'http://127.0.0.1:1' }));
    assert.equal(silent.code, 'storage_unreachable');
    assert.match(silent.message, /127\.0\.0\.1:1 does not answer/);
    const nameless = await statOf(ceph.address(bucket, { endpoint: 'http://no-such-host.invalid' }));
    assert.equal(nameless.code, 'storage_unreachable');
  });
}

function transports(world: World): void {
  test('a server that speaks no TLS, and one whose certificate nobody vouches for', async (t) => {
    const ceph = world();
    const statOf = async (endpoint: string) => {
      const address = ceph.address('bucket', { endpoint });
      const storage = await openFor(t, address, { credentials: ceph.owner, patience: SHORT_PATIENCE });
      return failureOf(storage.stat('config'));
    };
    const plain = await statOf(ceph.endpoint.replace('http:', 'https:'));
    assert.equal(plain.code, 'storage_unreachable');
    assert.match(plain.next, /endpoint=http:/);
    const server = createTlsServer(selfSignedCertificate(), (_request, response) => void response.end());
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    t.after(() => void server.close());
    const { port } = server.address() as { port: number };
    const unknown = await statOf(`https://127.0.0.1:${port}`);
    assert.equal(unknown.code, 'storage_unreachable');
    assert.match(unknown.message, /no secure connection/);
    assert.match(unknown.next, /NODE_EXTRA_CA_CERTS/);
  });

  test('a clock that is wrong is named, unless the server tells the right one', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    const proxy = await startFaultProxy(ceph.port);
    t.after(() => proxy.stop());
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 });
    const address = ceph.address(bucket, { endpoint: proxy.endpoint });
    const options = { credentials: ceph.owner, patience: { ...SHORT_PATIENCE, attempts: 3 } };
    const corrected = await openFor(t, address, options);
    assert.equal(await corrected.put('object', Buffer.from('x')), 'created');
    proxy.plan(() => 'skewed');
    const refused = await failureOf((await openFor(t, address, options)).get('object'));
    assert.equal(refused.code, 'clock_skew');
  });
}

function permissions(world: World): void {
  test('a key that may not delete backs up, and the test of the destination says so', async (t) => {
    const ceph = world();
    const bucket = await newBucket(ceph);
    await allow(ceph, bucket, ['PutObject', 'GetObject', 'ListBucket', 'AbortMultipartUpload']);
    const storage = await openFor(t, ceph.address(bucket), { credentials: ceph.guest });
    const parts = async function* () {
      for (let i = 0; i < 3; i += 1) yield Buffer.alloc(8 * 2 ** 20, i);
    };
    assert.equal(await storage.put('packs/one', parts()), 'created');
    assert.equal(await storage.put('packs/one', Buffer.from('other')), 'exists');
    const failure = await failureOf(storage.remove('packs/one'));
    assert.equal(failure.code, 'storage_denied');
    assert.match(failure.message, /lacks s3:DeleteObject/);
    const checks = await testStorage(storage, signal);
    const bad = checks.filter(({ status }) => status !== 'ok');
    assert.deepEqual(
      bad.map(({ name, status }) => [name, status]),
      [['destination, delete', 'warning']],
    );
    assert.match(bad[0]?.message ?? '', /s3:DeleteObject; backups work/);
  });

  test('the test of a destination names the permission that is missing', async (t) => {
    const ceph = world();
    const all = ['PutObject', 'GetObject', 'ListBucket', 'DeleteObject'];
    const cases: [string, RegExp][] = [
      ['PutObject', /destination, write: .*s3:PutObject/],
      ['GetObject', /destination, read: .*s3:GetObject/],
      ['ListBucket', /destination, list: .*s3:ListBucket/],
    ];
    for (const [denied, expected] of cases) {
      const bucket = await newBucket(ceph);
      await allow(ceph, bucket, all, [denied]);
      const storage = await openFor(t, ceph.address(bucket), { credentials: ceph.guest });
      const problems = (await testStorage(storage, signal)).filter(({ status }) => status === 'problem');
      assert.match(problems.map(({ name, message }) => `${name}: ${message}`).join('\n'), expected);
    }
  });

  test('an address that is wrong is refused before anything is sent', async () => {
    for (const address of [
      's3://bucket?endpoint=ftp://x',
      's3://u:p@bucket',
      's3://bucket?lock=governance',
      's3:',
    ])
      await assert.rejects(openStorage(address), { code: 'usage' }, address);
  });
}
