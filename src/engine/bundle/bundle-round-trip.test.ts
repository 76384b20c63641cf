import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  BACKUP_ID,
  type BundleParts,
  bundleBytes,
  bundleStream,
  fileItem,
  inParts,
  itemsOf,
  LOW_SCRYPT,
  linkItem,
  manifestOf,
  readAll,
  TEST_KEY,
} from '../../../test/support/bundles.ts';
import { collectGarbage } from '../../../test/support/small-heap.ts';
import { collect } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Credential } from '../crypto/key-text.ts';
import { newSigningKey } from '../crypto/signing.ts';
import { type BundleItem, contentBytes, plainFolder } from './bundle-item.ts';
import { readBundle } from './bundle-reader.ts';
import { bundleSigner } from './bundle-signature.ts';
import { writeBundle } from './bundle-writer.ts';

const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;
const NS = 1_000_000_000n;

/** Items with everything odd a file tree can hold. */
const ODD: readonly BundleItem[] = [
  fileItem('plain', Buffer.from('plain')),
  fileItem('empty', Buffer.alloc(0)),
  fileItem(Buffer.from([0x62, 0xff, 0xfe, 0x0a, 0x5c]), Buffer.from('not utf-8')),
  fileItem('n\u00e4me \u{1f4be}', Buffer.from('utf-8'), { user: 'jos\u00e9', group: 'g'.repeat(40) }),
  fileItem(`${'d'.repeat(60)}/${'e'.repeat(60)}/${'f'.repeat(200)}`, Buffer.from('long')),
  fileItem('a'.repeat(92), Buffer.from('exactly 100 with its root')),
  fileItem('a'.repeat(93), Buffer.from('one more')),
  fileItem('numbers', Buffer.from('x'), {
    uid: 2 ** 31,
    gid: 2 ** 32 - 2,
    mode: 0o7755,
    inode: 2n ** 64n - 1n,
  }),
  fileItem('times', Buffer.from('x'), { modifiedAtNs: -1n, changedAtNs: 1_700_000_000n * NS + 123_456_789n }),
  fileItem('far future', Buffer.from('x'), { modifiedAtNs: 2n ** 63n - 1n, changedAtNs: -(10n ** 18n) }),
  fileItem('half second', Buffer.from('x'), { modifiedAtNs: -(NS / 2n) }),
  {
    ...fileItem('sparse', Buffer.alloc(5000, 1)),
    sizeBytes: 10_000_000,
    extents: [
      [4096, 4096],
      [1_000_000, 904],
    ],
  },
  { ...fileItem('all hole', Buffer.alloc(0)), sizeBytes: 1_000_000, extents: [] },
  { ...fileItem('to the end', Buffer.alloc(10, 2)), sizeBytes: 100, extents: [[90, 10]] },
  { ...plainFolder('folder'), mode: 0o1777, user: 'root', inode: 5n },
  linkItem('symlink', 'link', '../../anywhere'),
  linkItem('symlink', 'raw link', Buffer.from([0xff, 0x2f, 0xfe])),
  linkItem('symlink', 'long link', 'x/'.repeat(200)),
  linkItem('hardlink', 'hard', 'tree/plain'),
  linkItem('hardlink', 'hard long', `tree/${'d'.repeat(60)}/${'e'.repeat(60)}/${'f'.repeat(200)}`),
  { ...plainFolder('pipe'), kind: 'fifo' },
  { ...plainFolder('sock'), kind: 'socket', inode: 7n },
  { ...plainFolder('disk'), kind: 'block', deviceNumber: 0x80001n },
  { ...plainFolder('tty'), kind: 'character', deviceNumber: 2n ** 63n },
];

test('everything a tree can hold comes back as it was', async () => {
  for (const compression of ['zstd', 'gzip'] as const) {
    const bytes = await bundleBytes({ tree: ODD }, { compression });
    const items = (await readAll(inParts(bytes, 10_000))).filter((item) => item.role === 'entry').slice(1);
    assert.equal(items.length, ODD.length);
    for (const [i, expected] of ODD.entries()) {
      const {
        bytes: content,
        role: _,
        innerPath,
        path,
        ...rest
      } = items[i]! as (typeof items)[0] & { innerPath: Buffer };
      const { content: original, path: originalPath, ...originalRest } = expected;
      assert.deepEqual(rest, originalRest, originalPath.toString());
      assert.deepEqual(innerPath, originalPath);
      assert.deepEqual(path, Buffer.concat([Buffer.from('tree/'), originalPath]));
      assert.deepEqual(content, expected.kind === 'file' ? await collect(original!) : null);
      if (content) assert.equal(content.length, contentBytes(expected));
    }
  }
});

test('streams of every size around block and segment borders, however the bytes arrive', async () => {
  const parts: Record<string, Buffer> = {};
  for (const size of [0, 1, 511, 512, 513, 1024, 65_536, 1_048_519, 1_048_520, 1_048_521, 3_000_000]) {
    parts[`f${size}`] = randomBytes(size);
  }
  for (const options of [{}, { encryption: 'none', credentials: [] }] as const) {
    const bytes = await bundleBytes(parts, options);
    const items = await readAll(inParts(bytes, 77_777));
    assert.deepEqual(
      items.map((item) => item.bytes),
      Object.values(parts),
    );
    assert.deepEqual(
      items.map((item) => item.path.toString()),
      Object.keys(parts),
    );
  }
  const small: BundleParts = {
    a: Buffer.alloc(0),
    b: Buffer.of(1),
    'c/d': randomBytes(1000),
    tree: ODD.slice(0, 3),
  };
  for (const encryption of ['none', 'aes-256-gcm-hkdf-1mb'] as const) {
    const bytes = await bundleBytes(small, { encryption });
    const whole = await readAll(inParts(bytes, bytes.length));
    assert.deepEqual(await readAll(inParts(bytes, 1)), whole, 'byte by byte');
  }
});

test('each credential opens it; the key ids of all are told to whoever has none of them', async () => {
  const credentials: Credential[] = [
    { kind: 'raw', key: randomBytes(32) },
    { kind: 'passphrase', passphrase: 'one' },
    { kind: 'passphrase', passphrase: 'two' },
  ];
  const bytes = await bundleBytes({ a: Buffer.from('a') }, { credentials });
  for (const credential of credentials) {
    const items = await readAll(inParts(bytes, 4096), { credentials: [TEST_KEY, credential] });
    assert.equal(items[0]!.bytes!.toString(), 'a');
  }
  const { header } = await readBundle({ source: inParts(bytes, 4096), credentials });
  await assert.rejects(readAll(inParts(bytes, 4096)), (error) => {
    return code('key_wrong')(error) && header.keys.every(({ keyId }) => String(error).includes(keyId));
  });
  await assert.rejects(readAll(inParts(bytes, 4096), { credentials: [] }), code('key_missing'));
  await assert.rejects(bundleBytes({}, { credentials: [] }), code('key_missing'));
  await assert.rejects(bundleBytes({}, { credentials: Array(9).fill(TEST_KEY) }), code('usage'));
});

test('a signature covers every byte of the tar, files of trees included', async () => {
  const key = newSigningKey();
  const other = newSigningKey();
  const tree = (text: string): BundleParts => ({
    tree: [fileItem('f', Buffer.from(text))],
    a: Buffer.from('a'),
  });
  const signed = await bundleBytes(tree('x'), { sign: bundleSigner(key) });
  const read = (bytes: Buffer, signers?: Buffer[]) =>
    readAll(inParts(bytes, 4096), signers ? { signers } : {});
  await read(signed, [other.publicKey, key.publicKey]);
  await read(signed);
  await assert.rejects(read(signed, [other.publicKey]), code('manifest_forged'));
  await assert.rejects(read(await bundleBytes(tree('x')), [key.publicKey]), code('manifest_forged'));
  let stolen: { signature: Buffer; fingerprint: Buffer } = {
    signature: Buffer.alloc(0),
    fingerprint: Buffer.alloc(0),
  };
  await bundleBytes(tree('x'), { sign: (message) => (stolen = bundleSigner(key)(message)) });
  await read(await bundleBytes(tree('x'), { sign: () => stolen }), [key.publicKey]);
  const moved = await bundleBytes(tree('y'), { sign: () => stolen });
  await assert.rejects(read(moved, [key.publicKey]), code('manifest_forged'));
});

test('reading may skip contents, stop in the middle of one, or end early', async () => {
  const parts = { a: randomBytes(3_000_000), b: randomBytes(2_000_000), c: Buffer.from('c') };
  const bytes = await bundleBytes(parts);
  const reading = await readBundle({ source: inParts(bytes, 50_000), credentials: [TEST_KEY] });
  const names: string[] = [];
  for await (const item of reading.items) {
    names.push(item.path.toString());
    if (item.path.toString() === 'b') for await (const _ of item.content!) break;
    if (item.path.toString() === 'c') assert.deepEqual(await collect(item.content!), parts.c);
  }
  assert.deepEqual(names, ['a', 'b', 'c']);
  let released = false;
  async function* source() {
    try {
      yield* inParts(bytes, 50_000);
    } finally {
      released = true;
    }
  }
  const early = await readBundle({ source: source(), credentials: [TEST_KEY] });
  await early.items.next();
  await early.close();
  await early.close();
  assert.equal(released, true);
});

test('what does not fit the manifest is never written', async () => {
  const write = (items: BundleParts, manifest: BundleParts, backupId = BACKUP_ID) =>
    collect(
      writeBundle({
        backupId: BACKUP_ID,
        credentials: [TEST_KEY],
        manifestJson: manifestOf(manifest, backupId),
        items: itemsOf(items),
        scrypt: LOW_SCRYPT,
      }),
    );
  const a = { a: Buffer.from('aaa') };
  await write(a, a);
  await assert.rejects(write({}, a), code('bundle_malformed'));
  await assert.rejects(write({ ...a, b: Buffer.from('b') }, a), code('bundle_malformed'));
  await assert.rejects(write({ a: Buffer.from('aab') }, a), code('restore_mismatch'));
  await assert.rejects(write({ a: Buffer.from('aaaa') }, a), code('bundle_malformed'));
  await assert.rejects(write(a, a, '0193f2a1-0000-7000-8000-000000000002'), code('bundle_malformed'));
  for (const names of [
    ['a', 'a/b'],
    ['t', 't.tree'],
    ['manifest.json'],
    ['../a'],
    ['/a'],
    [''],
    ['a//b'],
    ['a/./b'],
  ]) {
    const parts = Object.fromEntries(names.map((name) => [name, name === 't' ? [] : Buffer.alloc(0)]));
    await assert.rejects(write(parts, parts), (error) => error instanceof HoldfastError, names.join());
  }
  for (const sizeBytes of [2, 4]) {
    const short = [fileItem('f', Buffer.from('abc'), { sizeBytes })];
    await assert.rejects(write({ t: short }, { t: [] }), code('source_failed'));
  }
});

test('memory stays flat whatever the size of an artifact', async () => {
  const size = 512 * 2 ** 20;
  const block = randomBytes(2 ** 20);
  async function* content() {
    for (let i = 0; i < 512; i += 1) yield block;
  }
  const hash = createHash('sha256');
  for (let i = 0; i < 512; i += 1) hash.update(block);
  const manifest = {
    id: BACKUP_ID,
    artifacts: [{ name: 'big', form: 'stream', sizeBytes: size, sha256: hash.digest('hex') }],
  };
  async function* items() {
    yield { ...fileItem('big', Buffer.alloc(0)), sizeBytes: size, content: content() };
  }
  const before = process.memoryUsage().rss;
  let peak = 0;
  const manifestJson = Buffer.from(JSON.stringify(manifest));
  const source = writeBundle({ backupId: BACKUP_ID, credentials: [TEST_KEY], manifestJson, items: items() });
  const reading = await readBundle({ source, credentials: [TEST_KEY] });
  let [read, nextLook] = [0, 0];
  for await (const item of reading.items) {
    for await (const part of item.content!) {
      read += part.length;
      if (read < nextLook) continue;
      nextLook = read + 2 ** 24;
      collectGarbage();
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
  }
  assert.equal(read, size);
  console.log(`# 512 MiB through writer and reader: ${Math.round(peak / 2 ** 20)} MiB above the start`);
  assert.ok(peak < 200 * 2 ** 20, `${peak} bytes`);
});

test('interrupting stops the reading', async () => {
  const controller = new AbortController();
  const bytes = await collect(bundleStream({ a: randomBytes(3_000_000) }));
  const reading = await readBundle({
    source: inParts(bytes, 1000),
    credentials: [TEST_KEY],
    signal: controller.signal,
  });
  await reading.items.next();
  controller.abort();
  await assert.rejects(reading.items.next(), code('interrupted'));
});
