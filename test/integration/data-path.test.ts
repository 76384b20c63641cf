import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { newChunkIndex } from '../../src/engine/repository/chunk-index.ts';
import { type ChunkReader, openChunkReader } from '../../src/engine/repository/chunk-reader.ts';
import { openChunkWriter } from '../../src/engine/repository/chunk-writer.ts';
import type { ContentStream } from '../../src/engine/repository/content-stream.ts';
import type { Content } from '../../src/engine/sources/port.ts';
import { count } from '../support/counts.ts';
import { namesOf, overwrite, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { randomFrom, seededRandom } from '../support/seed.ts';

const DUMP = { method: 'content', profile: 'dump' } as const;

async function writeAll(stream: ContentStream, bytes: Buffer, pieceBytes = 65_536): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const written = stream.write(bytes.subarray(at, at + pieceBytes));
    if (written) await written;
  }
}

async function readAll(reader: ChunkReader, content: Content, range?: { start: number; end: number }) {
  const parts: Buffer[] = [];
  for await (const part of reader.read(content, range)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

function writerOf(world: RepositoryWorld, index = newChunkIndex(), signal?: AbortSignal) {
  const { storage, repository } = world;
  return openChunkWriter({ storage, keys: repository.keys, index, ...(signal ? { signal } : {}) });
}

async function readerOf({ storage, repository }: RepositoryWorld): Promise<ChunkReader> {
  return openChunkReader({ storage, keys: repository.keys, index: await repository.loadIndex() });
}

/** Half noise, half text, with a stretch that comes twice. */
function sample(seed: number, sizeBytes: number): Buffer {
  const noise = randomFrom(seed).bytes(sizeBytes / 4);
  return Buffer.concat([
    noise,
    Buffer.alloc(sizeBytes / 4, 'some text, '),
    noise,
    Buffer.alloc(sizeBytes / 4),
  ]);
}

test('what is written is read back, whole and by ranges, whatever the size of the writes', async () => {
  const random = seededRandom('data path');
  const world = await repositoryWorld();
  const bytes = sample(random.seed, 32 << 20);
  const writer = writerOf(world);
  const contents: Content[] = [];
  for (const pieceBytes of [bytes.length, 1 << 20, 12_345]) {
    const stream = writer.openStream(DUMP);
    await writeAll(stream, bytes, pieceBytes);
    const { content, sha256 } = await stream.end();
    assert.deepEqual(sha256, createHash('sha256').update(bytes).digest());
    contents.push(content);
  }
  assert.deepEqual(contents[1], contents[0], 'borders do not depend on the size of the writes');
  assert.deepEqual(contents[2], contents[0]);
  assert.ok(contents[0]!.depth > 0, 'a long content is a list of lists');
  const { storedBytes, newChunks, reusedChunks } = await writer.finish();
  assert.ok(storedBytes < 0.35 * bytes.length, 'the noise is stored once, the rest compresses');
  assert.ok(reusedChunks > 2 * newChunks);
  const reader = await readerOf(world);
  assert.ok((await readAll(reader, contents[0]!)).equals(bytes));
  for (let i = 0; i < 20; i += 1) {
    const start = random.int(bytes.length);
    const end = start + random.int(bytes.length - start);
    assert.ok((await readAll(reader, contents[0]!, { start, end })).equals(bytes.subarray(start, end)));
  }
});

test('many small contents resolve in order, and a discarded one leaves no trace', async () => {
  const world = await repositoryWorld();
  const writer = writerOf(world);
  const random = randomFrom(11);
  const stream = writer.openStream({ method: 'content', profile: 'file' }, { sha256: false });
  const files: { bytes: Buffer; content: Promise<Content> }[] = [];
  for (let i = 0; i < 3000; i += 1) {
    const bytes = random.bytes(1 + random.int(2000));
    await stream.write(bytes);
    if (i % 10 === 0) {
      stream.discard();
      continue;
    }
    files.push({ bytes, content: stream.takeContent() });
  }
  stream.flush();
  const contents = await Promise.all(files.map(({ content }) => content));
  await stream.end();
  await writer.finish();
  const reader = await readerOf(world);
  for (const [i, content] of contents.entries()) {
    assert.ok((await readAll(reader, content)).equals(files[i]!.bytes), `file ${i}`);
  }
});

test('what differences are decoded with stays as it is, however much is read beside it', async () => {
  const world = await repositoryWorld();
  const writer = writerOf(world);
  const bytes = randomFrom(7).bytes(40 << 20);
  const stream = writer.openStream(DUMP);
  await writeAll(stream, bytes);
  const { content } = await stream.end();
  await writer.finish();
  const reader = await readerOf(world);
  const ids: Buffer[] = [];
  for await (const { id } of reader.refs(content)) ids.push(Buffer.from(id));
  const dictionaries = await Promise.all(ids.map((id) => reader.dictionaryOf([id])));
  assert.ok(Buffer.concat(dictionaries).equals(bytes));
});

test('a forced border ends a chunk there', async () => {
  const world = await repositoryWorld();
  const writer = writerOf(world);
  const stream = writer.openStream(DUMP);
  await stream.write(Buffer.from('first'));
  stream.cut();
  await stream.write(Buffer.from('second'));
  const { content } = await stream.end();
  await writer.finish();
  const idOf = (text: string) =>
    createHmac('sha256', world.repository.keys.chunkIdKey).update(text).digest('hex');
  assert.equal(content.refs.toString('hex', 0, 32), idOf('first'));
  assert.equal(content.refs.toString('hex', 36, 68), idOf('second'));
});

test('a second run over the same bytes stores nothing', async () => {
  const world = await repositoryWorld();
  const bytes = sample(5, 4 << 20);
  const first = writerOf(world);
  const one = first.openStream(DUMP);
  await writeAll(one, bytes);
  await one.end();
  await first.finish();
  const before = (await namesOf(world.storage, 'packs/')).length;
  const second = writerOf(world, await world.repository.loadIndex());
  const two = second.openStream(DUMP);
  await writeAll(two, bytes);
  await two.end();
  const { newChunks, storedBytes } = await second.finish();
  assert.deepEqual([newChunks, storedBytes], [0, 0]);
  assert.equal((await namesOf(world.storage, 'packs/')).length, before);
  assert.ok(second.packsUsed().size > 0, 'the packs of the first run count as used');
});

test('a run that was aborted leaves packs that the next one uses', async () => {
  const world = await repositoryWorld();
  const bytes = randomFrom(9).bytes(60 << 20);
  const ending = new AbortController();
  const first = writerOf(world, newChunkIndex(), ending.signal);
  const one = first.openStream(DUMP);
  await writeAll(one, bytes);
  while ((await namesOf(world.storage, 'packs/')).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  ending.abort();
  await assert.rejects(one.end(), { code: 'interrupted' });
  await first.abort();
  assert.equal((await namesOf(world.storage, 'index/')).length, 0, 'no index was written');
  const second = writerOf(world, await world.repository.loadIndex());
  const two = second.openStream(DUMP);
  await writeAll(two, bytes);
  const { content } = await two.end();
  const { storedBytes } = await second.finish();
  assert.ok(storedBytes < bytes.length - (15 << 20), `stored ${storedBytes} again`);
  assert.ok((await readAll(await readerOf(world), content)).equals(bytes));
});

test('no flipped bit in a pack ever gives wrong bytes, and what fails names the pack', async () => {
  const random = seededRandom('bit flips');
  const world = await repositoryWorld();
  const bytes = sample(21, 2 << 20);
  const writer = writerOf(world);
  const stream = writer.openStream(DUMP);
  await writeAll(stream, bytes);
  const { content } = await stream.end();
  await writer.finish();
  const index = await world.repository.loadIndex();
  const [pack] = await namesOf(world.storage, 'packs/');
  const good = await world.storage.get(pack!);
  let detected = 0;
  const flips = count(60, 1000);
  for (let i = 0; i < flips; i += 1) {
    const bad = Buffer.from(good);
    const at = random.int(bad.length);
    bad[at]! ^= 1 << random.int(8);
    await overwrite(world.storage, pack!, bad);
    const reader = openChunkReader({ storage: world.storage, keys: world.repository.keys, index });
    try {
      assert.ok((await readAll(reader, content)).equals(bytes), 'wrong bytes were given out');
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_ASSERTION') throw error;
      detected += 1;
      assert.match((error as Error).message, /packs\//);
    }
  }
  assert.ok(detected > flips / 2, `${detected} of ${flips} were in bytes that are read`);
});

test('negative control: without the check against ids a wrong base would give wrong bytes in silence', async () => {
  const { zstdCompressSync, zstdDecompressSync } = await import('node:zlib');
  const plain = randomFrom(1).bytes(1000);
  const otherBase = Buffer.from(plain);
  otherBase[500]! ^= 1;
  const frame = zstdCompressSync(plain, { dictionary: plain });
  const wrong = zstdDecompressSync(frame, { dictionary: otherBase });
  assert.equal(wrong.length, plain.length);
  assert.ok(!wrong.equals(plain), 'the decoder said nothing, so only the id tells');
});

test('a failing storage ends the run with its error', async () => {
  const world = await repositoryWorld();
  const failing = {
    ...world.storage,
    put: async () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    },
  };
  const writer = openChunkWriter({ storage: failing, keys: world.repository.keys, index: newChunkIndex() });
  const stream = writer.openStream(DUMP);
  await stream.write(Buffer.from('anything'));
  await stream.end();
  await assert.rejects(writer.finish(), /full/);
});
