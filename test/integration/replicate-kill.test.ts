/** A replication that dies before or after any call of the target loses nothing, and the next one ends it. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { copyStorage } from '../support/copy-storage.ts';
import { copyBetween, placeOf } from '../support/copy-world.ts';
import { eachKill } from '../support/each-kill.ts';
import { type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { randomFrom } from '../support/seed.ts';

/** Two repositories with one backup in common and two more in the first, one of them held. */
interface Worlds {
  readonly main: RepositoryWorld;
  readonly offsite: RepositoryWorld;
  readonly streams: Map<string, Buffer>;
}

let worlds: Worlds;

before(async () => {
  const random = randomFrom(31);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const streams = new Map<string, Buffer>();
  for (let i = 0; i < 3; i += 1) {
    const db = random.bytes(60_000);
    const { id } = await makeBackup(main.repository, {
      streams: { db },
      trees: { t: { a: db, b: random.bytes(900) } },
    });
    streams.set(id, db);
    if (i === 0) await copyBetween(await placeOf(main), await placeOf(offsite));
    if (i === 1) await main.repository.holds.place(id, 'kept');
    main.clock.advance(60_000);
    offsite.clock.advance(60_000);
  }
  worlds = { main, offsite, streams };
});

/** Everything the target lists is whole, the first backup is there, and another run brings the rest. */
async function checkWhole(storage: Storage, point: string): Promise<void> {
  const { main, offsite, streams } = worlds;
  const left = await placeOf(offsite, storage);
  const report = await verifyRepository(left.context.repository);
  assert.deepEqual([report.damaged, report.affected, report.rejected], [[], [], []], point);
  const [oldest] = streams.keys();
  await left.context.repository.manifests.resolve(oldest!);
  await copyBetween(await placeOf(main), await placeOf(offsite, storage));
  const healed = await placeOf(offsite, storage);
  const { repository } = healed.context;
  for (const [id, db] of streams) {
    const { manifest } = await repository.manifests.resolve(id);
    assert.ok((await restoreBackup(repository, manifest)).streams.db?.equals(db), point);
  }
  const holds = [];
  for await (const { backupId } of repository.holds.list()) holds.push(backupId);
  assert.deepEqual(holds, [[...streams.keys()][1]], point);
}

test('killed before or after any call that changes the target', async () => {
  const { main, offsite } = worlds;
  const calls = await eachKill(
    offsite.storage,
    offsite.clock,
    async (storage) => {
      const outcome = await copyBetween(await placeOf(main), await placeOf(offsite, storage));
      // What a dead process throws from inside must not be taken for a result.
      const [failure] = outcome.failures;
      if (failure) throw new Error(failure.message);
    },
    checkWhole,
  );
  assert.ok(calls >= 7, `${calls} calls: two backups of a pack, an index and a manifest each, and a hold`);
});

/** Fails at its writing call number `at` (from 0), and says whether it came that far. */
function failingAt(storage: Storage, at: number): Storage & { readonly failed: boolean } {
  let calls = 0;
  return {
    ...storage,
    address: storage.address,
    get failed() {
      return calls > at;
    },
    async put(...given) {
      calls += 1;
      if (calls - 1 === at) throw new HoldfastError('storage_full', `${given[0]} does not fit`);
      return storage.put(...given);
    },
  };
}

test('a target that fails at any write: it is said which copies are missing, and the next run brings them', async () => {
  const { main, offsite } = worlds;
  const source = await placeOf(main);
  for (let at = 0; ; at += 1) {
    const storage = await copyStorage(offsite.storage, offsite.clock);
    const failing = failingAt(storage, at);
    const outcome = await copyBetween(source, await placeOf(offsite, failing));
    if (!failing.failed) {
      assert.deepEqual([outcome.missing, outcome.failures], [[], []]);
      assert.ok(at >= 7, `${at} writes`);
      return;
    }
    assert.deepEqual(
      outcome.failures.map(({ code }) => code),
      ['storage_full'],
      `write ${at}`,
    );
    const { repository } = (await placeOf(offsite, storage)).context;
    const there = [];
    for await (const { manifest } of repository.manifests.readAll()) there.push(manifest.id);
    assert.equal(
      there.length + outcome.missing.length,
      3,
      `write ${at}: what is not there is called missing`,
    );
    await checkWhole(storage, `write ${at}`);
  }
});

test('negative control: a target that gets manifests before packs is caught', async () => {
  const { main, offsite } = worlds;
  const late: (() => Promise<unknown>)[] = [];
  const misordered = (storage: Storage): Storage => ({
    ...storage,
    address: storage.address,
    async put(name, ...given) {
      if (name.startsWith('packs/')) {
        late.push(() => storage.put(name, ...given));
        return 'created';
      }
      const outcome = await storage.put(name, ...given);
      if (name.startsWith('backups/')) for (const put of late.splice(0)) await put();
      return outcome;
    },
    // As if the packs were there.
    stat: async (name, ...given) =>
      (await storage.stat(name, ...given)) ?? { name, sizeBytes: 1, modifiedAtMs: 0 },
  });
  await assert.rejects(
    eachKill(
      offsite.storage,
      offsite.clock,
      async (storage) => copyBetween(await placeOf(main), await placeOf(offsite, misordered(storage))),
      checkWhole,
    ),
    { name: 'AssertionError', message: /call \d/ },
  );
});
