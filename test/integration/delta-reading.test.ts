/** Readers of differences side by side, given up half-way, and of storage that fails once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openChunkReader } from '../../src/engine/repository/chunk-reader.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { countDeltas, edited, makeBackup } from '../support/backup-fixture.ts';
import { repositoryWorld } from '../support/repository-world.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';

const CHUNK_BYTES = 16 * 1024;
/** More than one stage of the reader. */
const CHUNKS = 260;

async function changedBackup(random: SeededRandom) {
  const { repository, clock } = await repositoryWorld();
  const old = random.bytes(CHUNKS * CHUNK_BYTES);
  const hooks = { chunkBytes: CHUNK_BYTES };
  const previous = await makeBackup(repository, { streams: { db: old } }, hooks);
  clock.advance(1000);
  const bytes = edited(old, random, 2 * CHUNKS);
  const { artifacts } = await makeBackup(repository, { streams: { db: bytes } }, { ...hooks, previous });
  assert.ok((await countDeltas(repository)) > CHUNKS / 2);
  const index = await repository.loadIndex({ forReading: true });
  const { content } = artifacts[0]!;
  const open = (storage: Storage = repository.storage) =>
    openChunkReader({ storage, keys: repository.keys, index });
  return { storage: repository.storage, bytes, content, open };
}

/** Gives other readers their turn after some pieces. */
async function whole(pieces: AsyncIterable<Buffer>, random: SeededRandom): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const piece of pieces) {
    parts.push(Buffer.from(piece));
    if (random.int(8) === 0) await turn();
  }
  return Buffer.concat(parts);
}

async function giveUpAfter(pieces: AsyncIterable<Buffer>, many: number): Promise<void> {
  let met = 0;
  for await (const _ of pieces) {
    met += 1;
    if (met === many) return;
    if (met % 16 === 0) await turn();
  }
}

test('readers of the same differences do not disturb each other, not by giving up either', async () => {
  const random = seededRandom('delta reading');
  const { bytes, content, open } = await changedBackup(random);
  const reader = open();
  const read = [reader.stream, reader.read];
  const wholes = [0, 1, 0].map((way) => whole(read[way]!(content), random));
  const givenUp = [1, 40, 200].map((many) => giveUpAfter(reader.stream(content), many));
  const found = await Promise.all(wholes);
  await Promise.all(givenUp);
  for (const one of found) assert.ok(one.equals(bytes));
  reader.close();
});

test('what a read was given to keep stays as it is while the reader goes on', async () => {
  const random = seededRandom('delta keeping');
  const { bytes, content, open } = await changedBackup(random);
  const kept: Buffer[] = [];
  const reader = open();
  for await (const piece of reader.read(content)) kept.push(piece);
  assert.ok(Buffer.concat(kept).equals(bytes));
});

test('after a request that failed, the same reader reads it all', async () => {
  const random = seededRandom('delta retry');
  const { storage, bytes, content, open } = await changedBackup(random);
  for (const failing of [1, 2, 4, 7]) {
    let requests = 0;
    const failsOnce: Storage = {
      ...storage,
      async get(...call: Parameters<Storage['get']>) {
        requests += 1;
        if (requests === failing) throw new Error('once');
        return storage.get(...call);
      },
    };
    const reader = open(failsOnce);
    // What failed before anyone waited for it may have been asked for again.
    const first = await whole(reader.stream(content), random).catch((error: Error) => error.message);
    assert.ok(first === 'once' || (failing > 1 && bytes.equals(first as Buffer)), `request ${failing}`);
    assert.ok((await whole(reader.stream(content), random)).equals(bytes), `request ${failing}`);
  }
});
