/** reliability.md, 18: prune and backups at the same time, and no backup ever refers to what is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/engine/base/clock.ts';
import { codeOf, type ErrorCode } from '../../src/engine/base/errors.ts';
import { applyPrune, planPrune } from '../../src/engine/repository/prune.ts';
import type { OpenOptions, Repository } from '../../src/engine/repository/repository.ts';
import { scanPacks } from '../../src/engine/repository/scan-packs.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import { edited, type Fixture, makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { count } from '../support/counts.ts';
import { eachKill } from '../support/each-kill.ts';
import { namesOf, overwrite, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { randomFrom, type SeededRandom, seededRandom } from '../support/seed.ts';
import { type Actor, simulatedTime } from '../support/simulated-time.ts';

async function purge(repository: Repository, id: string): Promise<void> {
  const { ref } = await repository.manifests.resolve(id);
  await repository.manifests.purge(await repository.manifests.archive(ref));
}

async function dangling(world: RepositoryWorld): Promise<string[]> {
  const repository = await world.open();
  const broken: string[] = [];
  for await (const { manifest } of repository.manifests.readAll()) {
    await restoreBackup(repository, manifest).catch(() => broken.push(manifest.id));
  }
  return broken;
}

const sizes = (plan: Awaited<ReturnType<typeof planPrune>>) =>
  [plan.condemn, plan.waiting, plan.remove, plan.revive, plan.rewrite].map((list) => list.length);

test('a dead pack is condemned, waits for the grace period, and goes', async () => {
  const random = seededRandom('prune phases');
  const world = await repositoryWorld();
  const { repository, clock, storage } = world;
  const doomed = await makeBackup(repository, { streams: { a: random.bytes(5000) } });
  clock.advance(1000);
  const kept: Fixture = {
    streams: { b: random.bytes(5000) },
    trees: { t: { x: random.bytes(900), y: Buffer.alloc(0) } },
  };
  const manifest = await makeBackup(repository, kept);
  assert.deepEqual(sizes(await planPrune(repository)), [0, 0, 0, 0, 0]);
  await purge(repository, doomed.id);
  const before = await namesOf(storage);
  const plan = await planPrune(repository);
  assert.deepEqual(sizes(plan), [1, 0, 0, 0, 0]);
  assert.deepEqual(await namesOf(storage), before, 'a plan changes nothing');
  await applyPrune(repository, plan);
  clock.advance(DAY_MS - MINUTE_MS);
  assert.deepEqual(sizes(await applyPrune(repository)), [0, 1, 0, 0, 0]);
  clock.advance(MINUTE_MS);
  assert.deepEqual(sizes(await applyPrune(repository)), [0, 0, 1, 0, 0]);
  assert.deepEqual(sizes(await applyPrune(repository)), [0, 0, 0, 0, 0]);
  assert.deepEqual(
    [(await namesOf(storage, 'packs/')).length, (await namesOf(storage, 'tombstones/')).length],
    [1, 0],
  );
  assert.deepEqual((await restoreBackup(repository, manifest)).streams, kept.streams);
  assert.equal((await verifyRepository(repository)).ok, true);
});

test('packs whose index object was lost are listed again; those of nobody are not', async () => {
  const random = seededRandom('prune lists');
  const world = await repositoryWorld();
  const { repository, storage } = world;
  const doomed = await makeBackup(repository, { streams: { a: random.bytes(5000) } });
  world.clock.advance(1000);
  await makeBackup(repository, { streams: { b: random.bytes(5000) } });
  const unlisted = async () => {
    const packs: string[] = [];
    for await (const _ of scanPacks(repository, { onUnlisted: (pack) => packs.push(pack) }));
    return packs.length;
  };
  for (const name of await namesOf(storage, 'index/')) await storage.remove(name);
  await purge(repository, doomed.id);
  assert.equal(await unlisted(), 2);
  await applyPrune(repository);
  const listed = await namesOf(storage, 'index/');
  assert.deepEqual([await unlisted(), listed.length], [1, 1]);
  await applyPrune(repository);
  assert.deepEqual(await namesOf(storage, 'index/'), listed, 'what is listed stays as it is');
});

test('a plan that was shown is not exceeded', async () => {
  const random = seededRandom('prune plan kept');
  const { repository, clock, storage } = await repositoryWorld();
  const first = await makeBackup(repository, { streams: { a: random.bytes(3000) } });
  clock.advance(1000);
  const second = await makeBackup(repository, { streams: { b: random.bytes(3000) } });
  await purge(repository, first.id);
  const shown = await planPrune(repository);
  await purge(repository, second.id);
  assert.deepEqual(sizes(await applyPrune(repository, shown)), [1, 0, 0, 0, 0]);
  assert.equal((await namesOf(storage, 'tombstones/')).length, 1);
});

test('what a running backup depends on is revived, not deleted', async () => {
  const random = seededRandom('prune revive');
  const { repository, clock, storage } = await repositoryWorld();
  const bytes = random.bytes(5000);
  const doomed = await makeBackup(repository, { streams: { a: bytes } });
  clock.advance(1000);
  const manifest = await makeBackup(
    repository,
    { streams: { a: bytes } },
    {
      async pause(step) {
        if (step !== 'loaded') return;
        await purge(repository, doomed.id);
        clock.advance(MINUTE_MS);
        assert.deepEqual(sizes(await applyPrune(repository)), [1, 0, 0, 0, 0]);
        clock.advance(HOUR_MS);
      },
    },
  );
  clock.advance(DAY_MS);
  assert.deepEqual(sizes(await applyPrune(repository)), [0, 0, 0, 1, 0]);
  assert.deepEqual((await restoreBackup(repository, manifest)).streams, { a: bytes });
  assert.deepEqual(await namesOf(storage, 'tombstones/'), []);
});

test('a writer stores anew what lies in a condemned pack', async () => {
  const random = seededRandom('prune anew');
  const { repository, clock, storage } = await repositoryWorld();
  const bytes = random.bytes(5000);
  await purge(repository, (await makeBackup(repository, { streams: { a: bytes } })).id);
  await applyPrune(repository);
  clock.advance(HOUR_MS);
  const manifest = await makeBackup(repository, { streams: { a: bytes } });
  assert.equal((await namesOf(storage, 'packs/')).length, 2);
  clock.advance(DAY_MS);
  await applyPrune(repository);
  assert.equal((await namesOf(storage, 'packs/')).length, 1);
  assert.deepEqual((await restoreBackup(repository, manifest)).streams, { a: bytes });
});

test('a pack of which little lives is rewritten, and archived backups count as live', async () => {
  const random = seededRandom('prune rewrite');
  const { repository, clock, storage } = await repositoryWorld();
  const keep = random.bytes(2000);
  const both = await makeBackup(repository, { streams: { a: keep, b: random.bytes(50_000) } });
  clock.advance(1000);
  const small = await makeBackup(repository, { streams: { a: keep } });
  const { ref } = await repository.manifests.resolve(both.id);
  const archived = await repository.manifests.archive(ref);
  assert.deepEqual(sizes(await planPrune(repository)), [0, 0, 0, 0, 0]);
  await repository.manifests.purge(archived);
  assert.deepEqual(sizes(await applyPrune(repository)), [0, 0, 0, 0, 1]);
  assert.deepEqual((await restoreBackup(repository, small)).streams, { a: keep });
  clock.advance(DAY_MS);
  await applyPrune(repository);
  const packs = await namesOf(storage, 'packs/');
  assert.equal(packs.length, 1);
  assert.ok((await storage.get(packs[0]!)).length < 5000);
  assert.deepEqual((await restoreBackup(repository, small)).streams, { a: keep });
});

test('nothing is deleted while something among the backups cannot be read', async () => {
  const random = seededRandom('prune blocked');
  const { repository, clock, storage } = await repositoryWorld();
  await purge(repository, (await makeBackup(repository, { streams: { a: random.bytes(3000) } })).id);
  clock.advance(1000);
  const { id } = await makeBackup(repository, { streams: { b: random.bytes(3000) } });
  await applyPrune(repository);
  clock.advance(2 * DAY_MS);
  const { ref } = await repository.manifests.resolve(id);
  const bytes = await storage.get(ref.name);
  await overwrite(storage, ref.name, Buffer.from(bytes).fill(0, 100, 110));
  const before = await namesOf(storage);
  assert.equal(await applyPrune(repository).then(() => null, codeOf), 'verify_failed');
  assert.deepEqual(
    (await planPrune(repository)).blockedBy.map(({ name }) => name),
    [ref.name],
  );
  assert.deepEqual(await namesOf(storage), before);
  await overwrite(storage, ref.name, bytes);
  assert.deepEqual(sizes(await applyPrune(repository)), [0, 0, 1, 0, 0]);
});

test('a prune killed at any call loses nothing, and ends its work when told again', async () => {
  const random = seededRandom('prune killed');
  const world = await repositoryWorld();
  const { repository, clock, credential, signingKey } = world;
  const keep = random.bytes(2000);
  const first = await makeBackup(repository, { streams: { a: random.bytes(4000) } });
  clock.advance(1000);
  const second = await makeBackup(repository, { streams: { a: keep, b: random.bytes(30_000) } });
  clock.advance(1000);
  const kept = await makeBackup(repository, { streams: { a: keep } });
  await purge(repository, first.id);
  await applyPrune(repository);
  await purge(repository, second.id);
  clock.advance(DAY_MS);
  const options = { credentials: [credential], signingKey, clock };
  const points = await eachKill(
    world.storage,
    clock,
    async (storage) => applyPrune(await world.open({ ...options, storage })),
    async (storage, point) => {
      const after = await world.open({ ...options, storage });
      assert.deepEqual((await restoreBackup(after, kept)).streams, { a: keep }, point);
      for (let i = 0; i < 3; i += 1) {
        clock.advance(DAY_MS);
        await applyPrune(after);
      }
      assert.deepEqual((await restoreBackup(after, kept)).streams, { a: keep }, point);
      assert.deepEqual(sizes(await planPrune(after)), [0, 0, 0, 0, 0], point);
      assert.equal((await namesOf(storage, 'packs/')).length, 1, point);
      assert.equal((await verifyRepository(after)).ok, true, point);
    },
  );
  assert.ok(points > 8, `only ${points} calls`);
});

const EXPECTED: readonly (ErrorCode | null)[] = [
  'run_too_long',
  'object_missing',
  'lease_held',
  'lease_lost',
  'id_unknown',
];

/** What happened in all rounds of a test, to see that they were no shadow-boxing. */
interface Tally {
  commits: number;
  refusals: number;
  restores: number;
  removed: number;
  revived: number;
  rewritten: number;
}

const newTally = (): Tally => ({
  commits: 0,
  refusals: 0,
  restores: 0,
  removed: 0,
  revived: 0,
  rewritten: 0,
});

/** The broken build: prune waits for nothing, and a commit looks at nothing. */
interface Broken {
  readonly prune: Partial<OpenOptions>;
  readonly commit: Partial<OpenOptions>;
}
const NOT_BROKEN: Broken = { prune: {}, commit: {} };
const CARELESS: Broken = {
  prune: { graceMs: 0 },
  commit: { checkPacks: async () => {}, graceMs: 1000 * DAY_MS },
};

/** Long enough for differences to pay. */
const CHUNK_BYTES = 1200;

/** One round of three writers, two restores, prunes and purges, in a random order. Resolves with the broken backups. */
async function round(random: SeededRandom, build: Broken, tally: Tally): Promise<string[]> {
  const world = await repositoryWorld();
  const { clock } = world;
  const blobs = Array.from({ length: 4 }, () => random.bytes(600 + random.int(5000)));
  const failures: string[] = [];
  const open = (actor: Actor, options: Partial<OpenOptions> = {}) =>
    world.open({ storage: actor.slowed(world.storage), ...options });
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (!EXPECTED.includes(codeOf(error))) throw error;
      tally.refusals += 1;
    }
  };
  const writer = async (actor: Actor) => {
    for (let i = 0; i < 2; i += 1) {
      await actor.sleep(random.int(20 * HOUR_MS));
      const repository = await open(actor, build.commit);
      const own = random.bytes(random.int(5000));
      const a = random.int(2) === 0 ? random.pick(blobs) : edited(random.pick(blobs), random);
      const fixture = { streams: { a, b: random.pick(blobs), own } };
      const pause = () => actor.sleep(random.int(random.pick([MINUTE_MS, 5 * HOUR_MS, 15 * HOUR_MS])));
      await attempt(async () => {
        const { manifest: previous } = await repository.manifests.resolve('latest');
        await makeBackup(repository, fixture, { pause, previous, chunkBytes: CHUNK_BYTES });
        tally.commits += 1;
      });
    }
  };
  const pruner = async (actor: Actor) => {
    for (let i = 0; i < 5; i += 1) {
      await actor.sleep(random.int(16 * HOUR_MS));
      await attempt(async () => {
        const done = await applyPrune(await open(actor, build.prune));
        tally.removed += done.remove.length;
        tally.revived += done.revive.length;
        tally.rewritten += done.rewrite.length;
      });
    }
  };
  const purger = async (actor: Actor) => {
    for (let i = 0; i < 5; i += 1) {
      await actor.sleep(random.int(12 * HOUR_MS));
      const repository = await open(actor);
      await attempt(async () =>
        purge(repository, (await repository.manifests.resolve('latest')).manifest.id),
      );
    }
  };
  const restorer = async (actor: Actor) => {
    for (let i = 0; i < 3; i += 1) {
      await actor.sleep(random.int(12 * HOUR_MS));
      const repository = await open(actor);
      await attempt(async () => {
        const { manifest } = await repository.manifests.resolve('latest');
        tally.restores += 1;
        await restoreBackup(repository, manifest).catch(() => failures.push(manifest.id));
      });
    }
  };
  const [a, b, c] = blobs;
  await makeBackup(world.repository, { streams: { a: a!, b: b! } }, { chunkBytes: CHUNK_BYTES });
  clock.advance(1000);
  await makeBackup(world.repository, { streams: { a: b!, b: c! } }, { chunkBytes: CHUNK_BYTES });
  const time = simulatedTime(clock, random);
  await Promise.all(
    [writer, writer, writer, pruner, purger, restorer, restorer].map((work) => time.run(work)),
  );
  for (let i = 0; i < 2; i += 1) {
    clock.advance(2 * DAY_MS);
    await attempt(() => applyPrune(world.repository));
  }
  return [...failures, ...(await dangling(world))];
}

test('backups, restores and prunes in any order leave no dangling reference', async () => {
  const random = seededRandom('prune against backup');
  const tally = newTally();
  for (let i = 0; i < count(12, 500); i += 1) {
    const seed = random.int(2 ** 31);
    assert.deepEqual(await round(randomFrom(seed), NOT_BROKEN, tally), [], `round ${i}, seed ${seed}`);
  }
  console.log(`# ${JSON.stringify(tally)}`);
  assert.ok(tally.commits > 0 && tally.restores > 0 && tally.removed > 0, 'the rounds were shadow-boxing');
});

test('negative control: without a grace period and without the check before the commit, references dangle', async () => {
  const random = seededRandom('careless prune');
  for (let i = 0; i < 100; i += 1) {
    if ((await round(randomFrom(random.int(2 ** 31)), CARELESS, newTally())).length > 0) return;
  }
  assert.fail('100 careless rounds left no trace');
});
