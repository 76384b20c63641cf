import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom, seededRandom } from '../../../../test/support/seed.ts';
import { atHand, ONE_REQUEST_BYTES, partBytes, partsToSend } from './s3-parts.ts';
import { tagOfParts } from './s3-written.ts';

const sizesOf = async (content: AsyncIterable<Uint8Array>, size: number) => {
  const parts: Buffer[] = [];
  for await (const part of partsToSend(content, () => size)) parts.push(part);
  return { sizes: parts.map(({ length }) => length), whole: Buffer.concat(parts) };
};

test('a stream is cut into parts of one size whatever its pieces, and nothing is lost', async () => {
  const random = seededRandom('parts');
  for (let i = 0; i < 50; i += 1) {
    const bytes = random.bytes(random.int(500));
    const stream = async function* () {
      for (let at = 0; at < bytes.length; ) {
        const length = random.int(90);
        yield bytes.subarray(at, at + length);
        at += length;
      }
    };
    const { sizes, whole } = await sizesOf(stream(), 64);
    assert.ok(whole.equals(bytes));
    assert.ok(sizes.slice(0, -1).every((size) => size === 64));
    assert.equal(sizes.length, Math.ceil(bytes.length / 64));
  }
});

test('parts already given out are not written over', async () => {
  const stream = async function* () {
    for (let i = 0; i < 6; i += 1) yield Buffer.alloc(32, i);
  };
  const { whole } = await sizesOf(stream(), 64);
  assert.deepEqual([...new Set(whole)], [0, 1, 2, 3, 4, 5]);
});

test('10,000 parts hold half a terabyte', () => {
  let total = 0;
  for (let i = 0; i < 10_000; i += 1) total += partBytes(i);
  assert.ok(total > 500e9, `${total}`);
  assert.ok(partBytes(0) >= 5 * 2 ** 20);
});

test('what is at hand goes in one request, from where it lies', () => {
  const shared = Buffer.from(new SharedArrayBuffer(100), 10, 50);
  assert.equal(atHand(shared)?.buffer, shared.buffer);
  assert.equal(atHand([Buffer.from('ab'), Buffer.from('c')])?.toString(), 'abc');
  assert.equal(atHand(new Uint8Array(ONE_REQUEST_BYTES + 1)), null);
  assert.equal(atHand((async function* () {})()), null);
});

test('the tag of an object in parts is that of S3, and of nothing else is one foretold', () => {
  const bytes = randomFrom(1).bytes(10);
  // md5sum of the parts' MD5s, by hand: printf of 4, 4 and 2 bytes.
  const tag = tagOfParts(bytes, 4, `${'0'.repeat(32)}-3`);
  assert.match(tag ?? '', /^[0-9a-f]{32}-3$/);
  assert.notEqual(
    tag,
    tagOfParts(Buffer.concat([bytes.subarray(0, 9), Buffer.from('x')]), 4, `${'0'.repeat(32)}-3`),
  );
  assert.equal(tagOfParts(bytes, Number.NaN, `${'0'.repeat(32)}-3`), null);
  assert.equal(tagOfParts(bytes, 4, '0'.repeat(32)), null);
});
