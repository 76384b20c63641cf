import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import { REF_BYTES } from '../repository/refs.ts';
import type { Content } from '../sources/port.ts';
import { seekingReader } from './seeking-reader.ts';

const ID_BYTES = 32;
const MOST_BYTES = 50;

type Random = ReturnType<typeof seededRandom>;

/** Chunks in memory. `listReads` counts reads of chunks that hold references. */
function memoryChunks() {
  const stored = new Map<string, Buffer>();
  const chunks = {
    listReads: 0,
    store(bytes: Buffer): Buffer {
      const id = Buffer.alloc(ID_BYTES);
      id.writeUInt32LE(stored.size + 1);
      stored.set(id.toString('hex'), bytes);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([id, length]);
    },
    async readChunk(id: Buffer) {
      chunks.listReads += 1;
      return stored.get(id.toString('hex'))!;
    },
    async *stream({ refs, depth, sizeBytes }: Content) {
      assert.equal(depth, 0);
      let given = 0;
      for (let at = 0; at < refs.length; at += REF_BYTES) {
        const bytes = stored.get(refs.toString('hex', at, at + ID_BYTES))!;
        given += bytes.length;
        yield bytes;
      }
      assert.equal(given, sizeBytes);
    },
  };
  return chunks;
}

/** Cut anywhere, so that references lie across chunks of a list. */
function cutAnywhere(chunks: ReturnType<typeof memoryChunks>, bytes: Buffer, random: Random): Buffer {
  const refs: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes.length - at, 1 + random.int(MOST_BYTES));
    refs.push(chunks.store(bytes.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(refs);
}

function contentOf(chunks: ReturnType<typeof memoryChunks>, bytes: Buffer, depth: number, random: Random) {
  let refs = cutAnywhere(chunks, bytes, random);
  for (let level = 0; level < depth; level += 1) refs = cutAnywhere(chunks, refs, random);
  return { sizeBytes: bytes.length, depth, refs };
}

async function collected(parts: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

test('any range of a content of any depth is what lies there', async () => {
  const random = seededRandom('seeking reader');
  for (let depth = 0; depth <= 2; depth += 1) {
    const bytes = random.bytes(3000);
    const chunks = memoryChunks();
    const content = contentOf(chunks, bytes, depth, random);
    const read = seekingReader(chunks);
    const ranges = Array.from({ length: count(60, 600) }, () => {
      const start = random.int(bytes.length + 1);
      return { start, end: start + random.int(bytes.length + 1 - start) };
    });
    const found = await Promise.all(ranges.map((range) => collected(read(content, range))));
    ranges.forEach(({ start, end }, i) => {
      assert.deepEqual(found[i], bytes.subarray(start, end), `depth ${depth}, ${start} to ${end}`);
    });
  }
});

test('the references before a range are walked once', async () => {
  const random = seededRandom('seeking reader, once');
  const bytes = random.bytes(20_000);
  const chunks = memoryChunks();
  const content = contentOf(chunks, bytes, 1, random);
  const read = seekingReader(chunks);
  const last = { start: bytes.length - 10, end: bytes.length };
  await collected(read(content, last));
  const first = chunks.listReads;
  await collected(read(content, last));
  assert.ok(first > 100, `${first} lists were read at first`);
  assert.ok(chunks.listReads - first < 60, `${chunks.listReads - first} lists were read again`);
});

test('a range behind the end is damage, however often it is asked for', async () => {
  const random = seededRandom('seeking reader, end');
  const chunks = memoryChunks();
  const content = contentOf(chunks, random.bytes(500), 1, random);
  const read = seekingReader(chunks);
  for (let i = 0; i < 2; i += 1) {
    await assert.rejects(collected(read(content, { start: 490, end: 501 })), { code: 'object_damaged' });
  }
  assert.equal((await collected(read(content, { start: 490, end: 500 }))).length, 10);
});

test('a list of references that ends inside one is damage', async () => {
  const random = seededRandom('seeking reader, cut');
  const chunks = memoryChunks();
  const whole = contentOf(chunks, random.bytes(300), 0, random);
  const refs = chunks.store(whole.refs.subarray(0, whole.refs.length - 1));
  const read = seekingReader(chunks);
  const range = { start: 0, end: 300 };
  await assert.rejects(collected(read({ sizeBytes: 300, depth: 1, refs }, range)), {
    code: 'object_damaged',
  });
});
