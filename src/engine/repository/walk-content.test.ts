import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { codeOf } from '../base/errors.ts';
import { eachRef } from './refs.ts';
import { type ChunkSource, walkContent } from './walk-content.ts';

/** Cuts bytes into chunks of a length that is no multiple of a reference's. */
function store(chunks: Map<string, Buffer>, bytes: Buffer, cutAt: number): Buffer {
  const refs: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += cutAt) {
    const chunk = bytes.subarray(at, at + cutAt);
    const id = randomBytes(32);
    chunks.set(id.toString('hex'), chunk);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(chunk.length);
    refs.push(id, length);
  }
  return Buffer.concat(refs);
}

function sourceOf(chunks: ReadonlyMap<string, Buffer>): ChunkSource {
  return {
    readChunk: async (id) => chunks.get(id.toString('hex')) ?? assert.fail('a chunk that was never stored'),
    refs: () => assert.fail('a content is walked by its own references'),
  };
}

test('every chunk of a content three levels deep is met once, however references straddle chunks', async () => {
  const chunks = new Map<string, Buffer>();
  const data = randomBytes(9_000);
  let refs = store(chunks, data, 10);
  let depth = 0;
  for (const cutAt of [1000, 77, 50]) {
    refs = store(chunks, refs, cutAt);
    depth += 1;
  }
  const met = new Set<string>();
  await walkContent(sourceOf(chunks), { sizeBytes: data.length, depth, refs }, (id) =>
    met.add(id.toString('hex')),
  );
  assert.deepEqual([...met].sort(), [...chunks.keys()].sort());
});

test('lengths that do not add up are damage', async () => {
  const chunks = new Map<string, Buffer>();
  const refs = store(chunks, randomBytes(100), 10);
  const failure = await walkContent(sourceOf(chunks), { sizeBytes: 101, depth: 0, refs }, () => {}).catch(
    codeOf,
  );
  assert.equal(failure, 'object_damaged');
  const listed = store(chunks, refs.subarray(0, 40), 40);
  const cut = await walkContent(sourceOf(chunks), { sizeBytes: 10, depth: 1, refs: listed }, () => {}).catch(
    codeOf,
  );
  assert.equal(cut, 'object_damaged');
  assert.throws(() => [...eachRef(refs.subarray(1))]);
});
