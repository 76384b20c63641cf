/** Reliability test 7 for bundles: cut, reordered, doubled, swapped and lengthened ones never yield a target. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { collect } from '../../src/engine/base/bytes.ts';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { extractBundle } from '../../src/engine/bundle/extract-bundle.ts';
import { decryptStream, encryptStream } from '../../src/engine/crypto/streaming-aead.ts';
import { bundleBytes, fileItem, inParts, TEST_KEY } from '../support/bundles.ts';
import { count } from '../support/counts.ts';
import { sandbox } from '../support/sandbox.ts';
import { randomFrom, seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 2 ** 20;
const random = seededRandom('bundle structure');
let rejected = 0;

async function codeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'accepted',
    (error: unknown) => (error instanceof HoldfastError ? error.code : `crashed: ${String(error)}`),
  );
}

const CODES = ['bundle_malformed', 'bundle_newer', 'key_wrong'];

/** Every variant must be refused and leave nothing; `whole` must be taken, or the harness proves nothing. */
const READS_ALL = { credentials: [TEST_KEY], acceptsUnencrypted: true };

async function allRefused(folder: string, variants: Iterable<readonly [string, Buffer]>): Promise<void> {
  const box = sandbox(folder);
  for (const [name, bytes] of variants) {
    const source = inParts(bytes, 256 * 1024);
    const code = await codeOf(extractBundle({ source, ...READS_ALL, folder: box.target }));
    assert.ok(CODES.includes(code), `${name}: ${code}`);
    assert.equal(box.appeared(), false, `${name}: something appeared`);
    rejected += 1;
  }
  assert.deepEqual(box.escapes(), []);
}

const SMALL = { 'db.dump': Buffer.from('a small dump'), tree: [fileItem('f', Buffer.from('file'))] };

function* cutsAndAdditions(bytes: Buffer): Generator<readonly [string, Buffer]> {
  for (let length = 0; length < bytes.length; length += 1)
    yield [`cut to ${length}`, bytes.subarray(0, length)];
  for (let more = 1; more <= 64; more += 1)
    yield [`${more} more zeros`, Buffer.concat([bytes, Buffer.alloc(more)])];
  for (let from = 0; from < bytes.length; from += 7) {
    yield [`lacks byte ${from}`, Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1)])];
  }
  for (let i = 0; i < 200; i += 1) {
    const [at, length] = [random.int(bytes.length), 1 + random.int(100)];
    yield [`doubled at ${at}`, Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])];
  }
  yield ['twice', Buffer.concat([bytes, bytes])];
}

for (const encryption of ['aes-256-gcm-hkdf-1mb', 'none'] as const) {
  test(`a bundle with encryption ${encryption}, cut at every byte and lengthened`, async (t) => {
    for (const compression of ['zstd', 'gzip'] as const) {
      const bytes = await bundleBytes(SMALL, { encryption, compression });
      await allRefused(await temporaryFolder(t), cutsAndAdditions(bytes));
      const box = sandbox(await temporaryFolder(t));
      const input = { source: inParts(bytes, 4096), ...READS_ALL, folder: box.target };
      assert.equal(await codeOf(extractBundle(input)), 'accepted', 'negative control');
      assert.equal(existsSync(box.target), true);
    }
  });
}

test('whole segments of a large bundle cut, dropped, doubled and swapped, also with another bundle', async (t) => {
  const parts = { 'big.dump': randomFrom(1).bytes(3 * MIB + 1000) };
  const [bytes, other] = await Promise.all([bundleBytes(parts), bundleBytes(parts)]);
  const pieces = (from: Buffer) => {
    const start = 12 + from.readUInt32LE(8);
    return [
      from.subarray(0, start),
      ...[0, 1, 2, 3].map((i) => from.subarray(start + i * MIB, start + (i + 1) * MIB)),
    ];
  };
  const [head, ...segments] = pieces(bytes);
  const [, ...others] = pieces(other);
  const orders = [
    [],
    [0],
    [0, 1],
    [0, 1, 2],
    [3],
    [1, 2, 3],
    [0, 2, 3],
    [0, 1, 3],
    [1, 0, 2, 3],
    [0, 2, 1, 3],
    [0, 1, 3, 2],
    [0, 0, 1, 2, 3],
    [0, 1, 1, 2, 3],
    [0, 1, 2, 3, 3],
    [0, 1, 2, 3, 0],
  ];
  const variants: [string, Buffer][] = orders.map((order) => [
    order.join(),
    Buffer.concat([head!, ...order.map((i) => segments[i]!)]),
  ]);
  for (let i = 0; i < 4; i += 1) {
    const mixed = segments.map((segment, at) => (at === i ? others[at]! : segment));
    variants.push([`segment ${i} of another`, Buffer.concat([head!, ...mixed])]);
  }
  variants.push(['header of another', Buffer.concat([pieces(other)[0]!, ...segments])]);
  const start = head!.length;
  for (const border of [start, start + 40, start + MIB, start + 2 * MIB, start + 3 * MIB, bytes.length]) {
    for (const cut of [border - 1, border, border + 1]) {
      if (cut < bytes.length) variants.push([`cut at ${cut}`, bytes.subarray(0, cut)]);
    }
  }
  await allRefused(await temporaryFolder(t), variants);
});

const SEGMENT = 64;
const KEY = Buffer.alloc(32, 1);
const AAD = Buffer.from('x');

/** What a reader sees that takes good segments for a good stream, without waiting for the last one. */
async function carelessRead(stored: Buffer): Promise<string> {
  const next = async function* () {
    yield stored;
  };
  const parts: Buffer[] = [];
  const code = await codeOf(
    (async () => {
      for await (const part of decryptStream(KEY, AAD, next(), { segmentBytes: SEGMENT })) parts.push(part);
    })(),
  );
  return code === 'bundle_malformed' && parts.length > 0 ? 'took the beginning' : code;
}

test('random rearrangements of small segments are all refused', async () => {
  const plain = random.bytes(8 * (SEGMENT - 16) - 40 - 5);
  const seal = () => collect(encryptStream(KEY, AAD, inParts(plain, 1000), { segmentBytes: SEGMENT }));
  const [stored, other] = [await seal(), await seal()];
  const cut = (bytes: Buffer) =>
    Array.from({ length: 8 }, (_, i) => bytes.subarray(i * SEGMENT, (i + 1) * SEGMENT));
  const pool = [...cut(stored), ...cut(other)];
  const open = (bytes: Buffer) =>
    codeOf(collect(decryptStream(KEY, AAD, inParts(bytes, 100), { segmentBytes: SEGMENT })));
  assert.equal(await open(stored), 'accepted', 'negative control');
  let careless = 0;
  for (let i = 0; i < count(3000, 30_000); i += 1) {
    const start = cut(stored).slice(0, random.int(9));
    const rest = Array.from({ length: random.int(9 - start.length) }, () => random.pick(pool));
    const bytes = Buffer.concat([...start, ...rest]);
    if (bytes.equals(stored) || bytes.equals(other)) continue;
    assert.equal(await open(bytes), 'bundle_malformed', `seed ${random.seed}, variant ${i}`);
    if ((await carelessRead(bytes)) === 'took the beginning') careless += 1;
    rejected += 1;
  }
  assert.ok(careless > 0, 'negative control: one that does not wait for the end would take some');
});

test('the variants were enough', () => {
  console.log(`# ${rejected} rearranged bundles refused`);
  assert.ok(rejected >= 5000);
});
