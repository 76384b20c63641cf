import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { newChunkIndex } from './chunk-index.ts';
import { encodeTable, type TableBlock } from './pack-toc.ts';

const idOf = (n: number) => createHash('sha256').update(`chunk ${n}`).digest();
const packOf = (n: number) => createHash('sha256').update(`pack ${n}`).digest('hex');

function blockOf(first: number, count: number): TableBlock {
  const chunks = Array.from({ length: count }, (_, i) => ({ id: idOf(first + i), lengthBytes: 1000 + i }));
  const plainBytes = chunks.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  return { storedBytes: 5000 + first, plainBytes, encoding: 1, bases: [], chunks };
}

test('every chunk is found where its pack says', () => {
  const index = newChunkIndex();
  for (let pack = 0; pack < 50; pack += 1) {
    const blocks = Array.from({ length: 20 }, (_, i) => blockOf(pack * 200 + i * 10, 10));
    index.addPack(packOf(pack), 100_000, encodeTable(blocks));
  }
  assert.equal(index.count, 10_000);
  for (const n of [0, 9, 10, 199, 200, 4321, 9999]) {
    const number = index.find(idOf(n));
    const pack = Math.floor(n / 200);
    const place = index.placeOf(number)!;
    assert.equal(index.packOf(number), packOf(pack));
    assert.equal(place.blockOfPack, Math.floor((n % 200) / 10));
    assert.equal(place.lengthBytes, 1000 + (n % 10));
    assert.equal(place.blockStoredBytes, 5000 + n - (n % 10));
  }
  assert.equal(index.find(idOf(10_000)), -1);
});

test('a chunk known already keeps its place; a pack added twice changes nothing', () => {
  const index = newChunkIndex();
  index.addPack(packOf(1), 1, encodeTable([blockOf(0, 2)]));
  index.addPack(packOf(2), 1, encodeTable([blockOf(1, 2)]));
  index.addPack(packOf(2), 1, encodeTable([blockOf(1, 2)]));
  assert.equal(index.count, 3);
  assert.equal(index.packOf(index.find(idOf(1))), packOf(1));
  assert.equal(index.packOf(index.find(idOf(2))), packOf(2));
});

test('a claimed chunk has no place until its pack is added', () => {
  const index = newChunkIndex();
  const number = index.claim(idOf(5));
  assert.equal(index.find(idOf(5)), number);
  assert.equal(index.placeOf(number), null);
  index.addPack(packOf(1), 1, encodeTable([blockOf(5, 1)]));
  assert.equal(index.packOf(number), packOf(1));
});

test('memory stays within 64 bytes a chunk at a million chunks', () => {
  const index = newChunkIndex();
  const id = Buffer.alloc(32);
  for (let n = 0; n < 1_000_000; n += 1) {
    id.writeUInt32LE(Math.imul(n, 0x9e3779b1) >>> 0, 0);
    id.writeUInt32LE(n, 4);
    index.claim(id);
  }
  assert.equal(index.count, 1_000_000);
  const perChunk = index.memoryBytes / index.count;
  console.log(`# index: ${perChunk.toFixed(1)} bytes a chunk`);
  assert.ok(perChunk <= 64, `${perChunk} bytes a chunk`);
});
