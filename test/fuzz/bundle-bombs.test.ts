/** Reliability test 27: bundles that ask for too much are stopped at the limit, in little memory. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { constants, createGzip, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { collect } from '../../src/engine/base/bytes.ts';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { extractBundle } from '../../src/engine/bundle/extract-bundle.ts';
import { type BundleLimits, DEFAULT_LIMITS } from '../../src/engine/bundle/limits.ts';
import { readTar } from '../../src/engine/bundle/tar-reader.ts';
import { inParts } from '../support/bundles.ts';
import { count } from '../support/counts.ts';
import {
  type RawEntry,
  rawEntry,
  TREE_MANIFEST,
  treeTar,
  wrapCompressed,
  wrapTar,
} from '../support/hostile-tar.ts';
import { sandbox } from '../support/sandbox.ts';
import { collectGarbage } from '../support/small-heap.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const GIB = 2 ** 30;
const MAX_RSS_BYTES = 256 * 2 ** 20;

// What one test made of bombs is not held against the next.
afterEach(() => collectGarbage());

async function codeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'ok',
    (error: unknown) => (error instanceof HoldfastError ? error.code : `crashed: ${String(error)}`),
  );
}

/** Extracts and checks that a refused bundle leaves nothing. */
async function outcome(
  t: import('node:test').TestContext,
  bytes: Buffer,
  limits: Partial<BundleLimits> = {},
) {
  const box = sandbox(await temporaryFolder(t));
  const code = await codeOf(
    extractBundle({
      ...{ source: inParts(bytes, 65_536), credentials: [], folder: box.target, limits },
      acceptsUnencrypted: true,
    }),
  );
  assert.deepEqual(box.escapes(), []);
  if (code !== 'ok') assert.deepEqual(readdirSync(`${box.base}/work`), []);
  return code;
}

/** A zstd frame by hand (RFC 8878): `head` as raw blocks, then `zeroBlocks` blocks of 128 KiB of zeros, 4 bytes each. */
function zstdOfZeros(head: Buffer, zeroBlocks: number, windowLog = 17): Buffer {
  const blockHeader = (size: number, type: number, last: number) => {
    const bytes = Buffer.alloc(3);
    bytes.writeUIntLE(size * 8 + type * 2 + last, 0, 3);
    return bytes;
  };
  const zeros = Buffer.concat([blockHeader(2 ** 17, 1, 0), Buffer.of(0)]);
  const parts = [
    Buffer.from('28b52ffd00', 'hex'),
    Buffer.of((windowLog - 10) << 3),
    blockHeader(head.length, 0, 0),
    head,
  ];
  for (let i = 0; i < zeroBlocks; i += 1) parts.push(zeros);
  return Buffer.concat([...parts, blockHeader(0, 0, 1)]);
}

const opening = (entries: readonly RawEntry[]) =>
  Buffer.concat(
    [{ name: 'manifest.json', content: TREE_MANIFEST }, { name: 't/', type: '5' }, ...entries].map(rawEntry),
  );

test('10 GiB of zeros from kilobytes', async (t) => {
  const head = opening([{ name: 't/bomb', size: 8 * GIB - 1, records: { size: String(10 * GIB) } }]);
  const bomb = wrapCompressed(zstdOfZeros(head, (10 * GIB) / 2 ** 17));
  assert.ok(bomb.length < 400_000, `${bomb.length}`);
  assert.equal(
    zstdDecompressSync(zstdOfZeros(head, 1)).length,
    head.length + 2 ** 17,
    'the frame is a frame',
  );
  assert.equal(await outcome(t, bomb, { ratioFloorBytes: 16 * 2 ** 20 }), 'limit_exceeded');
  assert.equal(
    await outcome(t, bomb, { maxRatio: Number.POSITIVE_INFINITY, maxTotalBytes: 32 * 2 ** 20 }),
    'limit_exceeded',
  );
  assert.equal(await outcome(t, bomb, { maxFileBytes: 10 * GIB - 1 }), 'limit_exceeded');
  const small = wrapCompressed(zstdOfZeros(opening([{ name: 't/bomb', size: 4 * GIB }]), 2));
  assert.equal(
    await outcome(t, small),
    'bundle_malformed',
    'negative control: within the limits it is read to its end',
  );
});

test('the default ratio limit stops gzip and zstd bombs', async (t) => {
  const gzip = createGzip({ level: 9 });
  const packed = collect(gzip);
  gzip.write(opening([{ name: 't/bomb', size: 1 * GIB }]));
  const zeros = Buffer.alloc(2 ** 20);
  for (let i = 0; i < 400; i += 1)
    if (!gzip.write(zeros)) await new Promise((done) => gzip.once('drain', done));
  gzip.end();
  assert.equal(await outcome(t, wrapCompressed(await packed, 'gzip')), 'limit_exceeded');
});

test('a zstd window log of 31, and of every size above the limit', async (t) => {
  const head = treeTar([]);
  for (let windowLog = 17; windowLog <= 31; windowLog += 1) {
    const bomb = wrapCompressed(zstdOfZeros(head, 0, windowLog));
    assert.equal(
      await outcome(t, bomb),
      windowLog <= 23 ? 'ok' : 'limit_exceeded',
      `window log ${windowLog}`,
    );
  }
  const { ZSTD_c_windowLog } = constants;
  const own = zstdCompressSync(head, { params: { [ZSTD_c_windowLog]: 23 } });
  assert.equal(await outcome(t, wrapCompressed(own)), 'ok', 'negative control');
});

test('10 million entries', async () => {
  const limits = { ...DEFAULT_LIMITS, maxEntries: count(200_000, DEFAULT_LIMITS.maxEntries) };
  async function* flood() {
    const hundred = Buffer.concat(Array.from({ length: 100 }, (_, i) => rawEntry({ name: `t/${i}` })));
    for (let i = 0; i < 100_000; i += 1) yield hundred;
  }
  let entries = 0;
  const read = async () => {
    for await (const _ of readTar(flood(), limits)) entries += 1;
  };
  assert.equal(await codeOf(read()), 'limit_exceeded');
  assert.equal(entries, limits.maxEntries);
});

test('entries at the limit, one below and one above', async (t) => {
  const entries = Array.from({ length: 50 }, (_, i) => ({ name: `t/${i}` }));
  // manifest.json, the root of the tree and its records count too.
  for (const [maxEntries, expected] of [
    [52, 'limit_exceeded'],
    [53, 'ok'],
    [54, 'ok'],
  ] as const) {
    assert.equal(await outcome(t, wrapTar(treeTar(entries)), { maxEntries }), expected, `${maxEntries}`);
  }
});

test('a depth of 10,000, and at the limits', async (t) => {
  const at = (depth: number) => wrapTar(treeTar([{ name: `t${'/d'.repeat(depth - 1)}` }]));
  assert.equal(await outcome(t, at(10_000)), 'limit_exceeded');
  assert.equal(await outcome(t, at(10_000), { maxPathBytes: 2 ** 20 }), 'limit_exceeded');
  assert.equal(await outcome(t, at(512)), 'ok');
  assert.equal(await outcome(t, at(513)), 'limit_exceeded');
});

test('sizes that lie', async (t) => {
  const sparse = (realsize: number | string, map: string): RawEntry => ({
    name: 't/s',
    records: {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 't/s',
      'GNU.sparse.realsize': String(realsize),
    },
    content: Buffer.concat([Buffer.from(map), Buffer.alloc(512 - map.length)]),
  });
  const lies: [RawEntry, string][] = [
    [{ name: 't/a', content: Buffer.from('x'), size: 513 }, 'bundle_malformed'],
    [{ name: 't/a', content: Buffer.alloc(600), size: 1 }, 'bundle_malformed'],
    [{ name: 't/a', size: 8 * GIB - 1 }, 'bundle_malformed'],
    [{ name: 't/a', records: { size: '999999999999999' } }, 'limit_exceeded'],
    [{ name: 't/a', records: { size: '70000000000000' } }, 'bundle_malformed'],
    [sparse(999_999_999_999_999, '0\n'), 'limit_exceeded'],
    [sparse(10, '1\n0\n5\n'), 'bundle_malformed'],
    [sparse(10, '1\n20\n0\n'), 'bundle_malformed'],
    [sparse(10, '500000000\n'), 'bundle_malformed'],
    [{ name: 't/a', type: 'x', size: 2 ** 30 }, 'bundle_malformed'],
  ];
  for (const [entry, expected] of lies) {
    assert.equal(await outcome(t, wrapTar(treeTar([entry]))), expected, JSON.stringify(entry));
  }
  assert.equal(await outcome(t, wrapTar(treeTar([sparse(10, '0\n')]))), 'ok', 'negative control');
  const frame = zstdOfZeros(treeTar([]), 0);
  // A single-segment frame whose header says 2^63 bytes of content, or one.
  for (const size of [2n ** 63n, 1n]) {
    const lying = Buffer.alloc(9);
    lying[0] = 0xe0;
    lying.writeBigUInt64LE(size, 1);
    const bytes = Buffer.concat([frame.subarray(0, 4), lying, frame.subarray(6)]);
    assert.notEqual(await outcome(t, wrapCompressed(bytes)), 'ok', `content size ${size}`);
  }
});

test('a manifest, an extended header and a bundle header beyond their limits', async (t) => {
  const manifest = rawEntry({ name: 'manifest.json', content: Buffer.alloc(2 ** 20 + 1, 0x20) });
  const limits = { maxManifestBytes: 2 ** 20 };
  assert.equal(
    await outcome(t, wrapTar(Buffer.concat([manifest, Buffer.alloc(1024)])), limits),
    'limit_exceeded',
  );
  const pax = rawEntry({ name: 't/a', records: { comment: 'x'.repeat(2 ** 20) } });
  assert.equal(await outcome(t, wrapTar(Buffer.concat([opening([]), pax]))), 'bundle_malformed');
  const deep = Buffer.from(`${'['.repeat(65_000)}`);
  const head = Buffer.alloc(12);
  head.write('HFBUNDL1');
  head.writeUInt32LE(deep.length, 8);
  assert.equal(await outcome(t, Buffer.concat([head, deep])), 'bundle_malformed');
  const nested = Buffer.from(`{"id":"x","artifacts":${'['.repeat(2 ** 20)}`);
  const tar = Buffer.concat([rawEntry({ name: 'manifest.json', content: nested }), Buffer.alloc(1024)]);
  assert.equal(await outcome(t, wrapTar(tar)), 'bundle_malformed');
});

test('all of it took little memory', () => {
  const rss = process.resourceUsage().maxRSS * 1024;
  console.log(`# peak memory ${Math.round(rss / 2 ** 20)} MiB`);
  assert.ok(rss <= MAX_RSS_BYTES, `${rss}`);
});
