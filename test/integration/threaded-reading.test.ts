/** Contents decoded in threads: the same bytes, and for what is damaged the same words as without them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { type ChunkReader, openChunkReader } from '../../src/engine/repository/chunk-reader.ts';
import { startDecodeThread } from '../../src/engine/repository/decode-threads.ts';
import type { Content } from '../../src/engine/sources/port.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { countDeltas, edited, makeBackup } from '../support/backup-fixture.ts';
import { count } from '../support/counts.ts';
import { repositoryWorld } from '../support/repository-world.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';

const CHUNK_BYTES = 16 * 1024;
/** Several stages for each thread. */
const CHUNKS = 1000;
const THREADS = 2;

/** Two thirds are differences, some bytes are as they were, and some do not compress. */
async function changedBackup(random: SeededRandom) {
  const { repository, clock } = await repositoryWorld();
  const line = random.bytes(997);
  const old = Buffer.concat([
    random.bytes((CHUNKS / 2) * CHUNK_BYTES),
    Buffer.alloc((CHUNKS / 2) * CHUNK_BYTES, line),
  ]);
  const hooks = { chunkBytes: CHUNK_BYTES };
  const previous = await makeBackup(repository, { streams: { db: old } }, hooks);
  clock.advance(1000);
  const bytes = edited(old, random, CHUNKS);
  const { artifacts } = await makeBackup(repository, { streams: { db: bytes } }, { ...hooks, previous });
  assert.ok((await countDeltas(repository)) > CHUNKS / 4);
  const { storage, keys } = repository;
  const index = await repository.loadIndex({ forReading: true });
  const open = (threads: number, given: Partial<Parameters<typeof openChunkReader>[0]> = {}) =>
    openChunkReader({ storage, keys, index, threads, threadsFromBytes: 0, ...given });
  return { storage, keys, bytes, content: artifacts[0]!.content, open };
}

/** What came, and how it ended. */
async function outcome(reader: ChunkReader, content: Content) {
  const parts: Buffer[] = [];
  try {
    for await (const piece of reader.stream(content)) parts.push(Buffer.from(piece));
    return { bytes: Buffer.concat(parts), error: null };
  } catch (error) {
    return { bytes: Buffer.concat(parts), error: { code: codeOf(error), message: (error as Error).message } };
  } finally {
    reader.close();
  }
}

/** Counts the bytes it gives; `change` may make others of those of one request. */
function watched(storage: Storage, change: (bytes: Buffer, request: number) => void = () => {}) {
  let requests = 0;
  let given = 0;
  const get: Storage['get'] = async (...call) => {
    const bytes = Buffer.from(await storage.get(...call));
    requests += 1;
    given += bytes.length;
    change(bytes, requests);
    return bytes;
  };
  return { storage: { ...storage, get }, givenBytes: () => given };
}

test('threads give the bytes that are given without them, and what they give nobody reads again', async () => {
  const random = seededRandom('threaded reading');
  const { storage, bytes, content, open } = await changedBackup(random);
  const alone = watched(storage);
  const threaded = watched(storage);
  assert.ok((await outcome(open(0, { storage: alone.storage }), content)).bytes.equals(bytes));
  const reader = open(THREADS, { storage: threaded.storage });
  const first = reader.stream(content);
  const second = reader.stream(content)[Symbol.asyncIterator]();
  // Side by side: memory that one gives back the other may take.
  let at = 0;
  for await (const piece of first) {
    assert.ok(piece.equals(bytes.subarray(at, at + piece.length)), `at ${at}`);
    at += piece.length;
    const { value } = await second.next();
    assert.ok(value?.equals(bytes.subarray(at - value.length, at)), `the second, up to ${at}`);
  }
  assert.equal(at, bytes.length);
  reader.close();
  // Read again without threads, every block would be asked for a second time for each of the two.
  const ratio = threaded.givenBytes() / alone.givenBytes();
  assert.ok(ratio < 2.5, `${ratio} times as much for two`);
});

test('a damaged byte anywhere ends in the same error as without threads, after nothing but right bytes', async () => {
  const random = seededRandom('threaded damage');
  const { storage, bytes, content, open } = await changedBackup(random);
  const names: string[] = [];
  for await (const { name } of storage.list('packs/')) names.push(name);
  for (let i = 0; i < count(4, 60); i += 1) {
    const name = names[random.int(names.length)]!;
    const whole = await storage.get(name);
    const place = random.int(whole.length - 4000);
    const get: Storage['get'] = async (object, range, given) => {
      const found = Buffer.from(await storage.get(object, range, given));
      const at = place - (range?.offset ?? 0);
      if (object === name && at >= 0 && at < found.length) found[at]! ^= 1;
      return found;
    };
    const damaged = { storage: { ...storage, get } };
    const alone = await outcome(open(0, damaged), content);
    const threaded = await outcome(open(THREADS, damaged), content);
    assert.deepEqual(threaded.error, alone.error, `byte ${place} of ${name}`);
    for (const { bytes: given } of [alone, threaded])
      assert.ok(given.equals(bytes.subarray(0, given.length)), `byte ${place} of ${name}`);
  }
});

test('chunks that are authentic and yet not what their ids say are refused', async () => {
  const random = seededRandom('threaded ids');
  const { keys, content, open } = await changedBackup(random);
  const others = { keys: { ...keys, chunkIdKey: random.bytes(32) } };
  const { bytes, error } = await outcome(open(THREADS, others), content);
  assert.equal(error?.code, 'object_damaged');
  assert.match(error.message, /a chunk is not what its id says/);
  assert.equal(bytes.length, 0);
});

test('a request that fails once is made again; a reader given up or closed half-way leaves the others alone', async () => {
  const random = seededRandom('threaded retry');
  const { storage, bytes, content, open } = await changedBackup(random);
  const failing = watched(storage, (_, request) => {
    if (request % 5 === 3 && request < 30) throw new Error('once');
  });
  const read = await outcome(open(THREADS, { storage: failing.storage }), content);
  assert.ok(read.error?.message === 'once' || read.bytes.equals(bytes));
  const reader = open(THREADS);
  for await (const _ of reader.stream(content)) break;
  assert.ok((await outcome(reader, content)).bytes.equals(bytes));
  // Its threads are gone: it goes on alone.
  assert.ok((await outcome(reader, content)).bytes.equals(bytes));
});

test('a thread proves nothing it was not given all of, whatever it is told', async () => {
  const random = seededRandom('threaded nonsense');
  const thread = startDecodeThread({ chunkIdKey: random.bytes(32) });
  const bytes = random.bytes(100);
  const row = (...numbers: number[]) => Uint32Array.from(numbers);
  const run = (chunks: Uint32Array, blocks = row()) =>
    thread.run({
      ...{ target: new ArrayBuffer(1024), chunks, blocks, ids: random.bytes(32), drop: [] },
      runs: [
        { packNumber: 0, bytes: new Uint8Array(bytes), key: random.bytes(32), header: random.bytes(92) },
      ],
    });
  const one = row(7, 0, 10, 0);
  assert.equal(await run(one), null);
  assert.equal(await run(one, row(7, 0, 0, 100, 10, 0)), null);
  assert.equal(await run(one, row(7, 9, 0, 100, 10, 0)), null);
  assert.ok(Buffer.from((await run(row()))!).equals(Buffer.alloc(1024)));
  thread.stop();
  assert.equal(await run(row()), null);
});
