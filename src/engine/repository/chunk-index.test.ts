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

/** A difference against chunks by number. */
function deltaOf(n: number, bases: readonly number[]): TableBlock {
  const chunks = [{ id: idOf(n), lengthBytes: 700 }];
  return { storedBytes: 90, plainBytes: 700, encoding: 2, bases: bases.map(idOf), chunks };
}

test('a difference is there only while its bases are, whatever comes first', () => {
  const index = newChunkIndex();
  index.addPack(packOf(1), 1, encodeTable([deltaOf(50, [1, 2]), deltaOf(51, [1])]));
  assert.deepEqual([index.find(idOf(50)), index.find(idOf(51))], [-1, -1]);
  assert.ok(index.hasLoose());
  index.addPack(packOf(2), 1, encodeTable([blockOf(1, 1)]));
  assert.equal(index.find(idOf(50)), -1);
  assert.deepEqual(index.needed(idOf(51)), [index.find(idOf(51)), index.find(idOf(1))]);
  index.addPack(packOf(3), 1, encodeTable([blockOf(2, 1)]));
  assert.deepEqual(index.basesOf(index.find(idOf(50))), [index.find(idOf(1)), index.find(idOf(2))]);
  assert.ok(!index.hasLoose());
  const place = index.placeOf(index.find(idOf(50)))!;
  assert.deepEqual([place.blockPlainBytes, place.offsetInBlock, place.lengthBytes], [700, 0, 700]);
});

test('a difference without its base gives way to one that has it, and to a full chunk', () => {
  const index = newChunkIndex();
  index.addPack(packOf(1), 1, encodeTable([deltaOf(50, [1]), deltaOf(51, [1])]));
  index.addPack(packOf(2), 1, encodeTable([blockOf(2, 1), deltaOf(50, [2]), blockOf(51, 1)]));
  assert.equal(index.packOf(index.find(idOf(50))), packOf(2));
  assert.equal(index.packOf(index.find(idOf(51))), packOf(2));
  assert.deepEqual(index.basesOf(index.find(idOf(51))), []);
  index.addPack(packOf(3), 1, encodeTable([blockOf(1, 1)]));
  assert.equal(index.packOf(index.find(idOf(50))), packOf(2), 'what is there keeps its place');
});

test('a million differences stay within 64 bytes each', () => {
  const index = newChunkIndex();
  const bases = Array.from({ length: 100 }, (_, n) => idOf(n));
  index.addPack(packOf(0), 1, encodeTable(bases.map((_, n) => blockOf(n, 1))));
  const id = Buffer.alloc(32);
  for (let pack = 0; pack < 100; pack += 1) {
    const blocks = Array.from({ length: 10_000 }, (_, i): TableBlock => {
      const chunk = Buffer.from(id);
      chunk.writeUInt32LE(Math.imul(pack * 10_000 + i, 0x9e3779b1) >>> 0, 0);
      chunk.writeUInt32LE(pack * 10_000 + i, 4);
      const chunks = [{ id: chunk, lengthBytes: 700 }];
      return { storedBytes: 90, plainBytes: 700, encoding: 2, bases: [bases[pack]!], chunks };
    });
    index.addPack(packOf(pack + 1), 1, encodeTable(blocks));
  }
  const perChunk = index.memoryBytes / index.count;
  console.log(`# index: ${perChunk.toFixed(1)} bytes a difference`);
  assert.ok(perChunk <= 64, `${perChunk} bytes a difference`);
});
