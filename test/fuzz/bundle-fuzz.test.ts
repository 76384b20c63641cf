/** Reliability test 25: malformed bundles end in one of our errors, write nothing outside, and stay small. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { type ExtractInput, extractBundle } from '../../src/engine/bundle/extract-bundle.ts';
import { bundleBytes, fileItem, inParts, linkItem, TEST_KEY } from '../support/bundles.ts';
import { count } from '../support/counts.ts';
import {
  type RawEntry,
  rawEntry,
  TREE_MANIFEST,
  treeTar,
  wrapCompressed,
  wrapTar,
} from '../support/hostile-tar.ts';
import { type Sandbox, sandbox } from '../support/sandbox.ts';
import { seededRandom } from '../support/seed.ts';
import { collectGarbage } from '../support/small-heap.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAX_RSS_BYTES = 256 * 2 ** 20;
const random = seededRandom('bundle fuzz');

const PLACES = [
  't',
  't/a',
  't/b',
  't/a/b',
  't/s',
  't/s/x',
  't/../x',
  '../canary',
  't/\xff',
  't.tree',
  'manifest.json',
  'manifest.sig',
  '',
  '/etc/x',
  `t/${'n'.repeat(120)}`,
  `t${'/d'.repeat(600)}`,
];
const LINKS = ['..', '../..', 'a', 't/a', 't/s', '/', '../../canary', '', 't', '\0', 'x'.repeat(5000)];
const TYPES = ['0', '0', '0', '5', '2', '1', '3', '4', '6', '7', 'x', 'g', 'L', '\0'];
const KEYS = [
  'size',
  'path',
  'linkpath',
  'mtime',
  'ctime',
  'uid',
  'GNU.sparse.major',
  'GNU.sparse.realsize',
  'GNU.sparse.name',
  'hdrcharset',
  'comment',
  '__proto__',
];
const VALUES = [
  '0',
  '1',
  '512',
  '-1',
  '1e9',
  '999999999999999',
  '0x10',
  '',
  't/../../x',
  '1.5',
  'holdfast type=socket inode=5',
  '\n',
  'NaN',
];
const NUMBERS = [0, 1, 127, 128, 255];

/** Changes a few bytes, cuts, repeats or moves a piece. */
function mutated(bytes: Buffer): Buffer {
  let out = Buffer.from(bytes);
  for (let i = 1 + random.int(4); i > 0 && out.length > 0; i -= 1) {
    const at = random.int(out.length);
    const piece = out.subarray(at, at + 1 + random.int(600));
    const kind = random.int(6);
    if (kind === 0) out[at]! ^= 1 << random.int(8);
    else if (kind === 1) out[at] = random.pick(NUMBERS);
    else if (kind === 2) out = Buffer.concat([out.subarray(0, at), out.subarray(at + piece.length)]);
    else if (kind === 3) out = Buffer.concat([out.subarray(0, at), piece, out.subarray(at)]);
    else if (kind === 4)
      out = Buffer.concat([out.subarray(0, at), random.bytes(1 + random.int(20)), out.subarray(at)]);
    else out = out.subarray(0, at);
  }
  return out;
}

function hostileEntry(): RawEntry {
  const records = Object.fromEntries(
    Array.from({ length: random.int(3) }, () => [random.pick(KEYS), random.pick(VALUES)]),
  );
  const size = random.int(4) === 0 ? { size: random.pick([1, 511, 512, 513, 2 ** 32, 8 ** 11 - 1]) } : {};
  return {
    name: random.pick(PLACES),
    type: random.pick(TYPES),
    mode: random.int(0o10000),
    content: random.int(2) === 0 ? random.bytes(random.int(1200)) : Buffer.alloc(0),
    records,
    ...size,
    ...(random.int(2) === 0 ? { link: random.pick(LINKS) } : {}),
  };
}

/** Finds each header block again and mends its checksum, so that a mutation reaches what lies behind it. */
function withChecksums(tar: Buffer): Buffer {
  const out = Buffer.from(tar);
  for (let at = 0; at + 512 <= out.length; at += 512) {
    if (out.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    out.fill(0x20, at + 148, at + 156);
    const sum = out.subarray(at, at + 512).reduce((a, b) => a + b, 0);
    out.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return out;
}

/** The JSON of the header changed at one value, the length before it right. */
function withHeader(bundle: Buffer): Buffer {
  const end = 12 + bundle.readUInt32LE(8);
  const values = ['null', '1', '-1', '""', '[]', '{}', '"zstd"', '"none"', '1e400', '"\\u0000"', '"x"'];
  const text = bundle.toString('utf8', 12, end);
  const spots = [...text.matchAll(/:("[^"]*"|\d+)/g)];
  const spot = random.pick(spots);
  const json = Buffer.from(
    `${text.slice(0, spot.index + 1)}${random.pick(values)}${text.slice(spot.index + spot[0].length)}`,
  );
  const head = Buffer.from(bundle.subarray(0, 12));
  head.writeUInt32LE(json.length, 8);
  return Buffer.concat([head, json, bundle.subarray(end)]);
}

async function makers(): Promise<(() => Buffer)[]> {
  const tree = [
    fileItem('a', Buffer.from('text')),
    linkItem('symlink', 's', '..'),
    linkItem('hardlink', 'h', 'tree/a'),
    fileItem('p', Buffer.alloc(5), { sizeBytes: 9000, extents: [[4096, 5]] }),
  ];
  const parts = { 'db.dump': random.bytes(700), tree };
  const bundles = [
    await bundleBytes(parts),
    await bundleBytes(parts, { encryption: 'none', compression: 'gzip' }),
  ];
  const entries: RawEntry[] = [
    { name: 't/a', content: Buffer.from('text') },
    { name: 't/s', type: '2', link: 'a' },
    { name: 't/h', type: '1', link: 't/a' },
  ];
  const tar = treeTar(entries);
  const loose = () =>
    Buffer.concat([
      rawEntry({ name: 'manifest.json', content: mutated(TREE_MANIFEST) }),
      rawEntry({ name: 't.tree' }),
      Buffer.alloc(1024),
    ]);
  const compression = () => random.pick(['zstd', 'gzip'] as const);
  return [
    () => mutated(random.pick(bundles)),
    () => withHeader(random.pick(bundles)),
    () => wrapTar(mutated(tar), compression()),
    () => wrapTar(withChecksums(mutated(tar)), compression()),
    () => wrapCompressed(mutated(zstdCompressSync(tar)), 'zstd'),
    () => wrapCompressed(mutated(gzipSync(tar)), 'gzip'),
    () => wrapTar(treeTar(Array.from({ length: 1 + random.int(6) }, hostileEntry)), compression()),
    () => wrapTar(treeTar([...entries, hostileEntry()]), compression()),
    () => wrapTar(loose()),
    () => random.bytes(random.int(200)),
  ];
}

type Extract = (input: ExtractInput) => Promise<unknown>;

/** One attempt; null when all is well, else what went wrong. */
async function trouble(
  box: Sandbox,
  bytes: Buffer,
  extract: Extract,
  tally: Map<string, number>,
): Promise<string | null> {
  const source = inParts(bytes, 1 + random.int(4096));
  const input = { source, credentials: [TEST_KEY], folder: box.target, acceptsUnencrypted: true } as const;
  const code = await extract({ ...input, devices: 'skip' }).then(
    () => 'ok',
    (error: unknown) =>
      error instanceof HoldfastError && error.code !== 'internal' ? error.code : `crash: ${error}`,
  );
  tally.set(code, (tally.get(code) ?? 0) + 1);
  if (code.startsWith('crash')) return code;
  const escapes = box.escapes();
  if (escapes.length > 0) return `escape: ${escapes.join()}`;
  if (code === 'ok') box.clear();
  else if (box.appeared()) return `the target appeared after ${code}`;
  return null;
}

test('malformed bundles: no crash, no escape, no target, little memory', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  const make = await makers();
  const tally = new Map<string, number>();
  let slowestMs = 0;
  for (let i = 0; i < count(10_000, 200_000); i += 1) {
    const bytes = make[i % make.length]!();
    const start = performance.now();
    const wrong = await trouble(box, bytes, extractBundle, tally);
    slowestMs = Math.max(slowestMs, performance.now() - start);
    if (i % 200 === 0) collectGarbage();
    if (wrong !== null) {
      const kept = join(process.cwd(), `bundle-fuzz-${random.seed}-${i}.bin`);
      writeFileSync(kept, bytes);
      assert.fail(`${wrong}; seed ${random.seed}, bundle ${i}, kept as ${kept}`);
    }
  }
  const rss = process.resourceUsage().maxRSS * 1024;
  console.log(`# outcomes: ${JSON.stringify(Object.fromEntries(tally))}`);
  console.log(`# slowest ${Math.round(slowestMs)} ms, peak memory ${Math.round(rss / 2 ** 20)} MiB`);
  for (const code of ['ok', 'bundle_malformed', 'path_unsafe', 'key_wrong', 'limit_exceeded']) {
    assert.ok(tally.has(code), `the fuzzer never reached ${code}`);
  }
  assert.ok(rss <= MAX_RSS_BYTES, `${rss} bytes of memory`);
});

test('negative control: the harness sees a crash, an escape and a target left behind', async (t) => {
  const broken: [string, Extract][] = [
    [
      'crash',
      async () => {
        throw new TypeError('undefined is not a function');
      },
    ],
    [
      'crash',
      async () => {
        throw new HoldfastError('internal');
      },
    ],
    ['escape', async ({ folder }) => writeFileSync(join(folder, '../../other/new'), '')],
    ['escape', async ({ folder }) => writeFileSync(join(folder, '../../canary'), 'x')],
    [
      'the target appeared',
      async ({ folder }) => {
        writeFileSync(folder, '');
        throw new HoldfastError('bundle_malformed');
      },
    ],
  ];
  for (const [expected, extract] of broken) {
    const box = sandbox(await temporaryFolder(t));
    const wrong = await trouble(box, Buffer.alloc(0), extract, new Map());
    assert.ok(wrong?.startsWith(expected), `${expected}: ${wrong}`);
  }
});
