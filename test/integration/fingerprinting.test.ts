/**
 * Reliability test 17: what the sizes of objects tell. Somebody who sees the storage, has a file, and knows everything of Holdfast but the secrets
 * of the repository guesses whether a run stored this file or another one of the same size.
 */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { newChunkIndex } from '../../src/engine/repository/chunk-index.ts';
import { openChunkWriter } from '../../src/engine/repository/chunk-writer.ts';
import { packName } from '../../src/engine/repository/object-names.ts';
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

function prose(random: SeededRandom): Buffer {
  // Some texts compress better than others, as real ones do.
  const known = WORDS.slice(0, 200 + random.int(3800));
  const words: string[] = [];
  for (let length = 0; length < FILE_BYTES; length += words.at(-1)!.length) words.push(random.pick(known));
  return Buffer.from(words.join('')).subarray(0, FILE_BYTES);
}

/** What a run with these files adds: the sum of its packs, which is all that a single small pack shows. */
async function sizeSeen({ storage, repository }: RepositoryWorld, files: readonly Buffer[]): Promise<number> {
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

interface Guessing {
  readonly make: (random: SeededRandom) => Buffer;
  /** What else the run stores, unknown to whoever guesses. */
  readonly beside?: (random: SeededRandom) => readonly Buffer[];
  /** The control: whoever guesses has the secrets. */
  readonly hasSecrets?: boolean;
  readonly rounds: number;
}

/** The share of right guesses, after learning from as many known files what the repository adds to its own prediction. */
async function accuracy(
  random: SeededRandom,
  { make, beside, hasSecrets, rounds }: Guessing,
): Promise<number> {
  const victim = await repositoryWorld();
  const own = hasSecrets ? victim : await repositoryWorld();
  let learned = 0;
  for (let i = 0; i < rounds; i += 1) {
    const known = make(random);
    const seen = await sizeSeen(victim, [known, ...(beside?.(random) ?? [])]);
    learned += (seen - (await sizeSeen(own, [known]))) / rounds;
  }
  let right = 0;
  for (let i = 0; i < rounds; i += 1) {
    const candidate = make(random);
    const isThere = i % 2 === 0;
    const stored = isThere ? candidate : make(random);
    const seen = await sizeSeen(victim, [stored, ...(beside?.(random) ?? [])]);
    const other = make(random);
    const distance = async (file: Buffer) => Math.abs(seen - learned - (await sizeSeen(own, [file])));
    const mine = await distance(candidate);
    const theirs = await distance(other);
    const nearer = mine === theirs ? random.next() < 0.5 : mine < theirs;
    const guess = hasSecrets ? mine < 1 : nearer;
    if (guess === isThere) right += 1;
  }
  return right / rounds;
}

/** What guessing without knowledge stays below in 99 of 100 runs of this length; 55 % at the full count and above. */
const luck = (rounds: number) => Math.max(0.55, 0.5 + 2.33 * Math.sqrt(0.25 / rounds));

test('the size of what was stored does not tell files of one size apart whose bytes do not compress', async (t) => {
  const random = seededRandom('fingerprinting');
  const rounds = count(24, 200);
  const share = await accuracy(random, { make: noise, rounds });
  t.diagnostic(`${(share * 100).toFixed(1)} % of ${rounds} guesses were right`);
  assert.ok(share <= luck(rounds) + (rounds < 200 ? 0 : 0.03), `${share}`);
});

test('negative control: with the secrets of the repository, the same guesses are right', async (t) => {
  const random = seededRandom('fingerprinting with secrets');
  const rounds = count(16, 100);
  const share = await accuracy(random, { make: noise, hasSecrets: true, rounds });
  t.diagnostic(`${(share * 100).toFixed(1)} % of ${rounds} guesses were right`);
  assert.ok(share > 0.7, `${share}: the harness would not notice a leak`);
});

test('the documented limit: how well a file compresses shows when it is all a run stores, and less among other data', async (t) => {
  const random = seededRandom('fingerprinting of text');
  const rounds = count(12, 100);
  const alone = await accuracy(random, { make: prose, rounds });
  const beside = (one: SeededRandom) => [noise(one, 65_536 + one.int(400_000))];
  const among = await accuracy(random, { make: prose, beside, rounds });
  t.diagnostic(`alone ${(alone * 100).toFixed(1)} %, among other data ${(among * 100).toFixed(1)} %`);
  assert.ok(alone >= 0.75, `${alone}: docs/format.md says that this shows, and it does not: correct it`);
  assert.ok(among <= alone, `${among}`);
});
