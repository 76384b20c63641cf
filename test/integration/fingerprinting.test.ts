/**
 * Reliability test 17: what the sizes of objects tell. Somebody who sees the storage, has a file, and knows everything of Holdfast but the secrets
 * of the repository guesses whether a run stored this file or another one of the same size.
 */
import assert from 'node:assert/strict';
import { createCipheriv, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { stageClock } from '../../src/engine/base/stage-times.ts';
import type { RepositoryKeys } from '../../src/engine/crypto/repository-keys.ts';
import { newChunkIndex } from '../../src/engine/repository/chunk-index.ts';
import { openChunkWriter } from '../../src/engine/repository/chunk-writer.ts';
import { contentChunker } from '../../src/engine/repository/chunker.ts';
import { packName } from '../../src/engine/repository/object-names.ts';
import { PACK_CAPACITY, packBuilder } from '../../src/engine/repository/pack-builder.ts';
import { count } from '../support/counts.ts';
import { type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';

const FILE_BYTES = 2 * 2 ** 20;
const WORDS = Array.from({ length: 4000 }, (_, i) => `${(i * 2_654_435_761) % 99_991}x `);

/** As JPEGs, archives and encrypted files are. */
function noise(random: SeededRandom, sizeBytes = FILE_BYTES): Buffer {
  const key = random.bytes(32);
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

/** A text of so many different words: the fewer, the better it compresses. */
function prose(random: SeededRandom, vocabulary: number): Buffer {
  const known = WORDS.slice(0, vocabulary);
  const words: string[] = [];
  for (let length = 0; length < FILE_BYTES; length += words.at(-1)!.length) words.push(random.pick(known));
  return Buffer.from(words.join('')).subarray(0, FILE_BYTES);
}

/** What a run with these files adds: the sum of its packs, which is all that a single small pack shows. */
async function sizeStored(
  { storage, repository }: RepositoryWorld,
  files: readonly Buffer[],
): Promise<number> {
  const writer = openChunkWriter({ storage, keys: repository.keys, index: newChunkIndex(), workers: 1 });
  for (const file of files) {
    const stream = writer.openStream({ method: 'content', profile: 'dump' });
    await stream.write(file);
    await stream.end();
  }
  const { packs } = await writer.finish();
  let sum = 0;
  for (const pack of packs) sum += (await storage.stat(packName(pack)))!.sizeBytes;
  return sum;
}

const packMemory = Buffer.alloc(PACK_CAPACITY);

/** The same without threads and storage, which cost ten times what is measured: a test below holds the two together. */
function sizeSeen(keys: RepositoryKeys, files: readonly Buffer[]): number {
  const { epoch, repositoryId } = keys;
  const builder = packBuilder({ epoch, repositoryId, masterKey: keys.masterKey(epoch), clock: stageClock() });
  builder.lend(0, packMemory);
  for (const file of files) {
    const chunker = contentChunker(keys.chunking.dump, keys.gearTable);
    for (let start = 0; start < file.length; ) {
      const border = chunker.next(file, start, file.length);
      const bytes = file.subarray(start, border < 0 ? file.length : border);
      const full = builder.add(createHmac('sha256', keys.chunkIdKey).update(bytes).digest(), bytes);
      assert.equal(full, null, 'these files are meant to fill less than a pack');
      start += bytes.length;
    }
  }
  return builder.finish()!.sizeBytes;
}

type Pair = readonly [stored: Buffer, other: Buffer];

const twoNoises = (random: SeededRandom): Pair => [noise(random), noise(random)];

/** A poor text and a rich one, in either order, as different as real ones of different kinds are. */
function twoTexts(random: SeededRandom): Pair {
  const pair: Pair = [prose(random, 200 + random.int(400)), prose(random, 3000 + random.int(1000))];
  return random.int(2) === 0 ? pair : [pair[1], pair[0]];
}

interface Guessing {
  readonly make: (random: SeededRandom) => Pair;
  /** What else the run stores, unknown to whoever guesses. */
  readonly beside?: (random: SeededRandom) => readonly Buffer[];
  /** The control: whoever guesses has the secrets. */
  readonly hasSecrets?: boolean;
  readonly rounds: number;
}

/** As many known files as the promise names: what a file adds beyond its prediction is much the same for all. */
const LESSONS = 100;

/** The share of right guesses which of two files a run stored, after learning from known files what the repository adds to a prediction. */
async function accuracy(
  random: SeededRandom,
  { make, beside, hasSecrets, rounds }: Guessing,
): Promise<number> {
  const { keys: victim } = (await repositoryWorld()).repository;
  const own = hasSecrets ? victim : (await repositoryWorld()).repository.keys;
  const predict = (file: Buffer) => sizeSeen(own, [file]);
  const see = (file: Buffer) => sizeSeen(victim, [file, ...(beside?.(random) ?? [])]);
  const lessons = count(8, LESSONS);
  let learned = 0;
  for (let i = 0; i < lessons; i += 1) {
    const [known] = make(random);
    learned += (see(known) - predict(known)) / lessons;
  }
  let right = 0;
  for (let i = 0; i < rounds; i += 1) {
    const [stored, other] = make(random);
    const seen = see(stored) - learned;
    const toStored = Math.abs(seen - predict(stored));
    const toOther = Math.abs(seen - predict(other));
    if (toStored === toOther ? random.next() < 0.5 : toStored < toOther) right += 1;
  }
  return right / rounds;
}

/** What guessing without knowledge stays below in all but one of 30,000 runs of this length (four standard deviations). */
const luck = (rounds: number) => 0.5 + 4 * Math.sqrt(0.25 / rounds);

test('what the games below look at is what a run stores', async () => {
  const random = seededRandom('fingerprinting, sizes');
  const world = await repositoryWorld();
  for (const files of [
    [noise(random)],
    [prose(random, 300)],
    [prose(random, 3000), noise(random, 100_000)],
  ]) {
    assert.equal(sizeSeen(world.repository.keys, files), await sizeStored(world, files));
  }
});

/** Per commit. More than 21 right guesses come by luck once in 55,000 runs. */
const ROUNDS = 24;

test('the size of what was stored does not tell files of one size apart whose bytes do not compress', async (t) => {
  const random = seededRandom('fingerprinting');
  const rounds = count(ROUNDS, 1000);
  const share = await accuracy(random, { make: twoNoises, rounds });
  t.diagnostic(`${(share * 100).toFixed(1)} % of ${rounds} guesses were right`);
  assert.ok(share <= luck(rounds), `${share}`);
});

test('negative control: with the secrets of the repository, the same guesses are right', async (t) => {
  const random = seededRandom('fingerprinting with secrets');
  const rounds = count(12, 100);
  // About 96 of 100 guesses are right, so nine games of ten are won; ten in a row are lost once in ten thousand million runs.
  let share = 0;
  for (let game = 0; game < 10 && share <= luck(ROUNDS); game += 1) {
    share = await accuracy(random, { make: twoNoises, hasSecrets: true, rounds });
    t.diagnostic(`${(share * 100).toFixed(1)} % of ${rounds} guesses were right`);
  }
  assert.ok(share > luck(ROUNDS), `${share}: the harness would not notice a leak`);
});

test('the documented limit: how well a file compresses shows when it is all a run stores', async (t) => {
  const random = seededRandom('fingerprinting of text');
  const rounds = count(8, 200);
  const alone = await accuracy(random, { make: twoTexts, rounds });
  t.diagnostic(`alone ${(alone * 100).toFixed(1)} %`);
  assert.ok(alone > 0.6, `${alone}: docs/format.md says that this shows, and it does not: correct it`);
  // How far other data in the same run hides it is for people to look at, in the full run.
  if (count(0, 1) === 0) return;
  const beside = (one: SeededRandom) => [noise(one, 65_536 + one.int(400_000))];
  const among = await accuracy(random, { make: twoTexts, beside, rounds });
  t.diagnostic(`among other data ${(among * 100).toFixed(1)} %`);
});
