import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type BundleParts,
  bundleBytes,
  bundleStream,
  fileItem,
  inParts,
  linkItem,
  TEST_KEY,
} from '../../../test/support/bundles.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { HoldfastError } from '../base/errors.ts';
import { newSigningKey } from '../crypto/signing.ts';
import { plainFolder } from './bundle-item.ts';
import { bundleSigner } from './bundle-signature.ts';
import { type ExtractInput, extractBundle } from './extract-bundle.ts';

const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;

const extract = (parts: BundleParts, folder: string, more: Partial<ExtractInput> = {}) =>
  extractBundle({ source: bundleStream(parts), credentials: [TEST_KEY], folder, ...more });

test('files, folders, links, times and modes arrive; special bits only when asked for', async (t) => {
  const base = await temporaryFolder(t);
  const tree = [
    fileItem('a', Buffer.from('A'), { mode: 0o6755, modifiedAtNs: 1_234_567_890_500_000_000n }),
    { ...plainFolder('locked'), mode: 0o500, modifiedAtNs: 10n ** 18n },
    fileItem('locked/in', Buffer.from('inside')),
    fileItem(Buffer.from([0x72, 0xff]), Buffer.from('raw')),
    linkItem('hardlink', 'same', 'tree/a'),
    linkItem('hardlink', 'same link', 'tree/out'),
    linkItem('symlink', 'out', '/etc/hostname'),
    {
      ...fileItem('holes', Buffer.from('xyz')),
      sizeBytes: 5_000_000,
      extents: [
        [4096, 1],
        [9000, 2],
      ] as const,
    },
    fileItem('old', Buffer.from('1969'), { modifiedAtNs: -5_500_000_000n }),
    { ...plainFolder('old folder'), modifiedAtNs: -5_500_000_000n },
    { ...plainFolder('pipe'), kind: 'fifo' as const },
    { ...plainFolder('sock'), kind: 'socket' as const },
  ];
  const to = join(base, 'to');
  const report = await extract({ 'db.dump': Buffer.from('dump'), 'x/y.csv': Buffer.from('csv'), tree }, to);
  assert.deepEqual((await readdir(to)).sort(), ['db.dump', 'manifest.json', 'tree', 'x']);
  assert.equal(await readFile(join(to, 'x/y.csv'), 'utf8'), 'csv');
  const a = await stat(join(to, 'tree/a'));
  assert.deepEqual([a.mode & 0o7777, a.mtimeMs, a.nlink], [0o755, 1_234_567_890_500, 2]);
  for (const name of ['old', 'old folder']) assert.equal((await stat(join(to, 'tree', name))).mtimeMs, -5500);
  const locked = await stat(join(to, 'tree/locked'));
  assert.deepEqual([locked.mode & 0o7777, locked.mtimeMs], [0o500, 10 ** 12]);
  assert.equal(await readlink(join(to, 'tree/out')), '/etc/hostname');
  assert.equal(await readlink(join(to, 'tree/same link')), '/etc/hostname');
  assert.equal(await readFile(Buffer.concat([Buffer.from(`${to}/tree/r`), Buffer.of(0xff)]), 'utf8'), 'raw');
  const holes = await readFile(join(to, 'tree/holes'));
  const expected = Buffer.alloc(5_000_000);
  expected.write('x', 4096);
  expected.write('yz', 9000);
  assert.equal(holes.equals(expected), true);
  assert.deepEqual(report.skipped, [
    { path: 'tree/pipe', kind: 'fifo' },
    { path: 'tree/sock', kind: 'socket' },
  ]);
  assert.equal((await stat(to)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(base), ['to'], 'nothing is left beside it');
  await extract({ tree: tree.slice(0, 1) }, join(base, 'special'), { keepSpecialBits: true });
  assert.equal((await stat(join(base, 'special/tree/a'))).mode & 0o7777, 0o6755);
});

test('an empty folder is taken, anything else is left alone', async (t) => {
  const base = await temporaryFolder(t);
  const parts = { a: Buffer.from('a') };
  await mkdir(join(base, 'empty'));
  await extract(parts, join(base, 'empty'));
  assert.equal(await readFile(join(base, 'empty/a'), 'utf8'), 'a');
  await assert.rejects(extract(parts, join(base, 'empty')), code('target_not_empty'));
  await writeFile(join(base, 'file'), 'mine');
  await assert.rejects(extract(parts, join(base, 'file')), code('target_not_empty'));
  await mkdir(join(base, 'elsewhere'));
  await symlink('elsewhere', join(base, 'link'));
  await assert.rejects(extract(parts, join(base, 'link')), code('target_not_empty'));
  await assert.rejects(extract(parts, join(base, 'no/parent')), code('target_failed'));
  assert.equal(await readFile(join(base, 'file'), 'utf8'), 'mine');
  assert.deepEqual((await readdir(base)).sort(), ['elsewhere', 'empty', 'file', 'link']);
  assert.deepEqual(await readdir(join(base, 'elsewhere')), []);
});

test('a target that comes into being meanwhile is not replaced', async (t) => {
  const base = await temporaryFolder(t);
  const bytes = await bundleBytes({ a: Buffer.from('a') });
  async function* source() {
    await mkdir(join(base, 'to'));
    await writeFile(join(base, 'to/other'), 'theirs');
    yield* inParts(bytes, 4096);
  }
  const attempt = extractBundle({ source: source(), credentials: [TEST_KEY], folder: join(base, 'to') });
  await assert.rejects(attempt, code('target_not_empty'));
  assert.deepEqual(await readdir(join(base, 'to')), ['other']);
  assert.deepEqual(await readdir(base), ['to']);
});

test('devices are refused, or skipped when asked, and never made', async (t) => {
  const base = await temporaryFolder(t);
  for (const kind of ['block', 'character'] as const) {
    const parts = { tree: [{ ...plainFolder('dev'), kind, deviceNumber: 0x103n }] };
    await assert.rejects(extract(parts, join(base, 'to')), code('path_unsafe'));
    const report = await extract(parts, join(base, `skipped ${kind}`), { devices: 'skip' });
    assert.equal(report.skippedCount, 1);
    await assert.rejects(lstat(join(base, `skipped ${kind}/tree/dev`)));
  }
  await assert.rejects(lstat(join(base, 'to')));
});

test('the report tells whether a signature was checked', async (t) => {
  const base = await temporaryFolder(t);
  const key = newSigningKey();
  const signed = await bundleBytes({ a: Buffer.from('a') }, { sign: bundleSigner(key) });
  const run = async (name: string, bytes: Buffer, signers?: Buffer[]) => {
    const input = { source: inParts(bytes, 4096), credentials: [TEST_KEY], folder: join(base, name) };
    return (await extractBundle({ ...input, ...(signers ? { signers } : {}) })).signature;
  };
  assert.equal(await run('valid', signed, [key.publicKey]), 'valid');
  assert.equal(await run('unchecked', signed), 'unchecked');
  assert.equal(await run('absent', await bundleBytes({})), 'absent');
  assert.equal((await readFile(join(base, 'valid/manifest.sig'))).length, 96);
  await assert.rejects(run('forged', signed, [newSigningKey().publicKey]), code('manifest_forged'));
  assert.deepEqual((await readdir(base)).sort(), ['absent', 'unchecked', 'valid']);
});

test('a source that fails in the middle leaves nothing, and its error arrives', async (t) => {
  const base = await temporaryFolder(t);
  const bytes = await bundleBytes({ a: randomBytes(2_000_000), tree: [fileItem('f', Buffer.from('f'))] });
  let failures = 0;
  for (let sent = 0; sent < bytes.length; sent += 150_001) {
    async function* source() {
      yield* inParts(bytes.subarray(0, sent), 65_536);
      throw new HoldfastError('storage_unreachable');
    }
    const attempt = extractBundle({ source: source(), credentials: [TEST_KEY], folder: join(base, 'to') });
    await assert.rejects(attempt, code('storage_unreachable'), `after ${sent} bytes`);
    assert.deepEqual(await readdir(base), []);
    failures += 1;
  }
  assert.ok(failures > 10);
});

test('many links and folders wait on disk, not in memory, and all arrive', async (t) => {
  const base = await temporaryFolder(t);
  const total = 800;
  const tree = Array.from({ length: total }, (_, i) =>
    i % 2 === 0
      ? { ...plainFolder(`d${i}`), mode: 0o700 + (i % 64) }
      : linkItem('symlink', `l${i}`, `to ${i}`),
  );
  await extract({ tree }, join(base, 'to'));
  assert.equal((await readdir(join(base, 'to/tree'))).length, total);
  for (const i of [0, 62, 798])
    assert.equal((await stat(join(base, `to/tree/d${i}`))).mode & 0o777, 0o700 + (i % 64));
  for (const i of [1, 401, 799]) assert.equal(await readlink(join(base, `to/tree/l${i}`)), `to ${i}`);
});
