import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockCache } from './block-cache.ts';

const BLOCK_BYTES = 128 * 1024;
const block = (fill: number) => Buffer.from(new ArrayBuffer(BLOCK_BYTES)).fill(fill);

test('the least recently used goes first, and gives its memory back at once', () => {
  const cache = blockCache(2 * BLOCK_BYTES);
  const blocks = [1, 2, 3].map(block);
  cache.set(1, blocks[0]!);
  cache.set(2, blocks[1]!);
  cache.get(1);
  cache.set(3, blocks[2]!);
  assert.deepEqual(
    [1, 2, 3].map((number) => cache.get(number) !== undefined),
    [true, false, true],
  );
  assert.deepEqual(
    blocks.map(({ length }) => length),
    [BLOCK_BYTES, 0, BLOCK_BYTES],
  );
});

test('a block stays while anyone has it pinned, and letting go twice counts once', () => {
  const cache = blockCache(BLOCK_BYTES);
  const bytes = block(1);
  const first = cache.pin([1]);
  const second = cache.pin([1]);
  cache.set(1, bytes);
  first();
  first();
  cache.set(2, block(2));
  assert.equal(cache.get(1), bytes);
  assert.equal(bytes.length, BLOCK_BYTES);
  second();
  cache.set(3, block(3));
  assert.equal(cache.get(1), undefined);
  assert.equal(bytes.length, 0);
});

test('a block that was lent goes without its memory', () => {
  const cache = blockCache(BLOCK_BYTES);
  const bytes = block(1);
  cache.set(1, bytes);
  cache.lend(1);
  cache.set(2, block(2));
  assert.equal(cache.get(1), undefined);
  assert.ok(bytes.equals(block(1)));
});
