import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '../../base/errors.ts';
import { parseS3Address } from './s3-address.ts';
import { parseSupabaseAddress } from './supabase-address.ts';

const parse = (address: string, settings = {}) => parseS3Address(address, settings);

test('AWS: region, folder and everything that may be said', () => {
  const plain = parse('s3://backups-of-shop/main/db?region=eu-central-1');
  assert.deepEqual(
    [plain.bucket, plain.prefix, plain.region, plain.endpoint, plain.pathStyle, plain.checksums],
    ['backups-of-shop', 'main/db/', 'eu-central-1', null, false, 'when-supported'],
  );
  const full = parse(
    's3://b-1?sse=aws:kms&kms-key=arn:aws:kms:eu-central-1:1:key/2&storage-class=standard_ia&checksums=WHEN_REQUIRED&lock=compliance&lock-days=30&as-of=2026-11-21T08:00:00Z',
  );
  assert.deepEqual(
    [full.encryption, full.kmsKeyId, full.storageClass, full.checksums, full.lock, full.asOfMs],
    [
      'aws:kms',
      'arn:aws:kms:eu-central-1:1:key/2',
      'STANDARD_IA',
      'when-required',
      { mode: 'COMPLIANCE', days: 30 },
      Date.UTC(2026, 10, 21, 8),
    ],
  );
});

test('other servers: path style and a region unless said otherwise', () => {
  const target = parse('s3://bucket/x/?endpoint=https://s3.example.org:9000/');
  assert.deepEqual(
    [target.endpoint, target.pathStyle, target.region, target.prefix, target.shown],
    ['https://s3.example.org:9000', true, 'us-east-1', 'x/', 's3://bucket/x at https://s3.example.org:9000'],
  );
  assert.equal(parse('s3://bucket?endpoint=https://h&path-style=false').pathStyle, false);
});

test('bucket and region come from the settings where the address has none', () => {
  const settings = { bucket: 'from-environment', region: 'eu-west-3' };
  for (const address of ['s3:', 's3://', 's3:///', 's3:?sse=AES256'])
    assert.equal(parse(address, settings).bucket, 'from-environment', address);
  assert.equal(parse('s3:///folder', settings).prefix, 'folder/');
  const own = parse('s3://own?region=us-east-2', settings);
  assert.deepEqual([own.bucket, own.region], ['own', 'us-east-2']);
});

test('what cannot be meant is refused, and secrets in an address are not repeated', () => {
  const bad = [
    's3:',
    's3://AKIA:secret@bucket',
    's3://bucket?endpoint=ftp://x',
    's3://bucket?endpoint=https://user:secret@host',
    's3://bucket?region=',
    's3://bucket?region=a&region=b',
    's3://bucket?regoin=eu',
    's3://bucket?sse=rot13',
    's3://bucket?kms-key=1',
    's3://bucket?lock=governance',
    's3://bucket?lock=forever&lock-days=3',
    's3://bucket?lock-days=0&lock=compliance',
    's3://bucket?storage-class=DEEP_ARCHIVE',
    's3://bucket?as-of=yesterday',
    's3://b/#x',
  ];
  for (const address of bad) {
    assert.throws(
      () => parse(address),
      (error) => {
        assert.ok(error instanceof HoldfastError && error.code === 'usage', address);
        assert.ok(!`${error.message}${error.next}`.includes('secret@'), error.message);
        return error.next !== '';
      },
      address,
    );
  }
  assert.throws(() => parse('s3://bucket/../x'), { code: 'storage_name_invalid' });
});

test('Supabase: its endpoint, its private bucket, and the service-role key as the session', () => {
  const supabase = { serviceRoleKey: 'role-key' };
  const target = parseSupabaseAddress('supabase://abcdefghij', { supabase });
  assert.deepEqual(
    [target.endpoint, target.bucket, target.prefix, target.pathStyle, target.checksums],
    ['https://abcdefghij.storage.supabase.co/storage/v1/s3', 'backups', '', true, 'when-required'],
  );
  assert.deepEqual(target.credentials, {
    accessKeyId: 'abcdefghij',
    secretAccessKey: 'abcdefghij',
    sessionToken: 'role-key',
  });
  const own = parseSupabaseAddress('supabase://local/other/a/b?endpoint=http://127.0.0.1:54321', {
    supabase: { ...supabase, anonKey: 'anon' },
  });
  assert.deepEqual(
    [own.endpoint, own.bucket, own.prefix, own.credentials?.secretAccessKey],
    ['http://127.0.0.1:54321/storage/v1/s3', 'other', 'a/b/', 'anon'],
  );
  assert.throws(() => parseSupabaseAddress('supabase://abcdefghij', {}), { code: 'storage_denied' });
  assert.throws(() => parseSupabaseAddress('supabase://', { supabase }), { code: 'usage' });
});
