import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  BACKUP_ID,
  bundleBytes,
  inParts,
  LOW_SCRYPT,
  readAll,
  TEST_KEY,
} from '../../../test/support/bundles.ts';
import { HoldfastError } from '../base/errors.ts';
import { hkdf } from '../crypto/hkdf.ts';
import type { Credential } from '../crypto/key-text.ts';
import { wrapKey } from '../crypto/wrap.ts';
import {
  type BundleHeader,
  encodeHeader,
  openDataKey,
  parseHeader,
  readPreamble,
  sealDataKey,
} from './bundle-header.ts';

const code =
  (...expected: string[]) =>
  (error: unknown) =>
    error instanceof HoldfastError && expected.includes(error.code);

async function header(credentials: readonly Credential[] = [TEST_KEY]): Promise<BundleHeader> {
  const slots = await sealDataKey(Buffer.alloc(32, 1), credentials, BACKUP_ID, LOW_SCRYPT);
  return {
    version: 1,
    compression: 'zstd',
    encryption: 'aes-256-gcm-hkdf-1mb',
    ...slots,
    createdAt: '2026-01-02T03:04:05.678Z',
    backupId: BACKUP_ID,
  };
}

test('a header comes back from its bytes', async () => {
  const original = await header([TEST_KEY, { kind: 'passphrase', passphrase: 'p' }]);
  const bytes = encodeHeader(original);
  assert.equal(readPreamble(bytes), bytes.length - 12);
  assert.deepEqual(parseHeader(bytes.subarray(12)), original);
  const plain: BundleHeader = { ...original, encryption: 'none', keys: [], commitment: null };
  assert.deepEqual(parseHeader(encodeHeader(plain).subarray(12)), plain);
});

test('preambles of something else, of newer versions and of too long headers', () => {
  const preamble = (magic: string, length: number) => {
    const bytes = Buffer.alloc(12);
    bytes.write(magic, 'latin1');
    bytes.writeUInt32LE(length, 8);
    return bytes;
  };
  assert.equal(readPreamble(preamble('HFBUNDL1', 65_536)), 65_536);
  assert.throws(() => readPreamble(preamble('HFBUNDL1', 65_537)), code('bundle_malformed'));
  assert.throws(() => readPreamble(preamble('HFBUNDL2', 5)), code('bundle_newer'));
  for (const magic of ['HFBUNDL0', 'HFBUNDLE', 'hfbundl1', 'PK\x03\x04', '']) {
    assert.throws(() => readPreamble(preamble(magic, 5)), code('bundle_malformed'), magic);
  }
});

test('malformed headers are refused, costly slots before any work', async () => {
  const good = JSON.parse(
    encodeHeader(await header([{ kind: 'passphrase', passphrase: 'p' }])).toString('utf8', 12),
  );
  const slot = good.keys[0];
  const kdf = (change: object) => ({ ...good, keys: [{ ...slot, kdf: { ...slot.kdf, ...change } }] });
  const wrong: unknown[] = [
    null,
    [],
    { ...good, version: 0 },
    { ...good, version: '1' },
    { ...good, compression: 'lzma' },
    { ...good, encryption: 'rot13' },
    { ...good, encryption: 'none' },
    { ...good, keys: [] },
    { ...good, keys: null },
    { ...good, keys: Array(9).fill(slot) },
    { ...good, keys: [null] },
    { ...good, keys: [{ ...slot, wrapped: 'x' }] },
    { ...good, commitment: undefined },
    { ...good, backupId: 5 },
    { ...good, createdAt: 'x'.repeat(100) },
    kdf({ n: 2 ** 18, r: 8 }),
    kdf({ n: 2 ** 17, r: 16 }),
    kdf({ n: 2 ** 20, r: 16, p: 4 }),
    kdf({ n: 2 ** 30 }),
  ];
  for (const value of wrong) {
    assert.throws(
      () => parseHeader(Buffer.from(JSON.stringify(value))),
      code('bundle_malformed'),
      JSON.stringify(value),
    );
  }
  assert.throws(
    () => parseHeader(Buffer.from(JSON.stringify({ ...good, version: 2 }))),
    code('bundle_newer'),
  );
  for (const text of ['', '{', '\xff\xff', '{"version":1,}']) {
    assert.throws(() => parseHeader(Buffer.from(text, 'latin1')), code('bundle_malformed'), text);
  }
});

test('slots and commitment follow docs/format.md section 10, and bind the backup id', async () => {
  const made = await header();
  const dataKey = await openDataKey(made, [TEST_KEY]);
  assert.deepEqual(dataKey, Buffer.alloc(32, 1));
  assert.equal(
    made.commitment,
    hkdf(dataKey, null, 'holdfast v1 bundle commitment', 32).toString('base64url'),
  );
  await assert.rejects(openDataKey({ ...made, backupId: 'another' }, [TEST_KEY]), code('key_wrong'));
});

test('a header with two data keys opens for the one it commits to, and for no other', async () => {
  const credentials = [0, 1].map((): Credential => ({ kind: 'raw', key: randomBytes(32) }));
  const dataKeys = [randomBytes(32), randomBytes(32)];
  const digest = createHash('sha256').update(BACKUP_ID).digest();
  const aad = Buffer.concat([Buffer.from('holdfast v1 bundle'), digest]);
  const keys = await Promise.all(dataKeys.map((key, i) => wrapKey(key, credentials[i]!, aad)));
  const opens = async (commitment: Buffer) => {
    const crafted = { ...(await header()), keys, commitment: commitment.toString('base64url') };
    return Promise.all(
      credentials.map((credential) =>
        openDataKey(crafted, [credential]).then(
          () => true,
          () => false,
        ),
      ),
    );
  };
  const commitments = dataKeys.map((key) => hkdf(key, null, 'holdfast v1 bundle commitment', 32));
  assert.deepEqual(await opens(commitments[0]!), [true, false]);
  assert.deepEqual(await opens(commitments[1]!), [false, true]);
  assert.deepEqual(await opens(randomBytes(32)), [false, false]);
});

test('every bit of the header is bound to the stream', async () => {
  const bytes = await bundleBytes({ a: Buffer.from('a') });
  const length = 12 + bytes.readUInt32LE(8);
  for (let at = 0; at < length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    await assert.rejects(
      readAll(inParts(changed, 4096)),
      code('bundle_malformed', 'bundle_newer', 'key_wrong'),
      `byte ${at}`,
    );
  }
});
