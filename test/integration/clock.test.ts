/** reliability.md, 20: no clock, however wrong, makes prune delete what a backup needs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/engine/base/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/engine/base/clock.ts';
import { codeOf } from '../../src/engine/base/errors.ts';
import type { Manifest } from '../../src/engine/repository/manifest.ts';
import { applyPrune, planPrune } from '../../src/engine/repository/prune.ts';
import { type Fixture, makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { namesOf, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';

const SKEWS = [6 * MINUTE_MS, DAY_MS, 365 * DAY_MS].flatMap((ms) => [ms, -ms]);
const skewed = (clock: Clock, byMs: number): Clock => ({
  nowMs: () => clock.nowMs() + byMs,
  monotonicMs: () => clock.monotonicMs?.() ?? 0,
});

interface Scene {
  readonly world: RepositoryWorld;
  readonly kept: Manifest;
  readonly fixture: Fixture;
}

/** One backup that stays; one pack that is dead, its tombstone an hour old. */
async function setTheScene(): Promise<Scene> {
  const random = seededRandom('clock');
  const world = await repositoryWorld();
  const { repository, clock } = world;
  const fixture = { streams: { a: random.bytes(3000) } };
  const kept = await makeBackup(repository, fixture);
  clock.advance(1000);
  const doomed = await makeBackup(repository, { streams: { b: random.bytes(3000) } });
  const { ref } = await repository.manifests.resolve(doomed.id);
  await repository.manifests.purge(await repository.manifests.archive(ref));
  await applyPrune(repository);
  clock.advance(HOUR_MS);
  return { world, kept, fixture };
}

test('a machine whose clock is off by more than 5 minutes is refused and deletes nothing', async () => {
  const { world, kept, fixture } = await setTheScene();
  const before = await namesOf(world.storage);
  for (const byMs of SKEWS) {
    const wrong = await world.open({ clock: skewed(world.clock, byMs) });
    assert.equal(await applyPrune(wrong).then(() => null, codeOf), 'clock_skew', `${byMs} ms`);
    assert.deepEqual(await namesOf(world.storage), before, `${byMs} ms`);
  }
  assert.deepEqual((await restoreBackup(world.repository, kept)).streams, fixture.streams);
});

test('4 minutes are within what clocks may differ, and hasten nothing', async () => {
  const { world } = await setTheScene();
  world.clock.advance(DAY_MS - HOUR_MS - 2 * MINUTE_MS);
  for (const byMs of [4 * MINUTE_MS, -4 * MINUTE_MS]) {
    const plan = await applyPrune(await world.open({ clock: skewed(world.clock, byMs) }));
    assert.equal(plan.remove.length, 0, `${byMs} ms`);
  }
});

test('a clock set back, together with that of the storage, is noticed by what was written before', async () => {
  for (const byMs of [-6 * MINUTE_MS - HOUR_MS, -DAY_MS, -365 * DAY_MS]) {
    const { world } = await setTheScene();
    const before = await namesOf(world.storage);
    world.clock.jump(byMs);
    assert.equal(await applyPrune(world.repository).then(() => null, codeOf), 'clock_skew', `${byMs} ms`);
    assert.equal(await planPrune(world.repository).then(() => null, codeOf), 'clock_skew', `${byMs} ms`);
    assert.deepEqual(await namesOf(world.storage), before);
  }
});

test('a clock set forward, together with that of the storage, costs no backup, not even one at work', async () => {
  for (const byMs of [6 * MINUTE_MS, DAY_MS, 365 * DAY_MS]) {
    const random = seededRandom('clock set forward');
    const { world, kept, fixture } = await setTheScene();
    const { repository, clock } = world;
    const shared = random.bytes(3000);
    const doomed = await makeBackup(repository, { streams: { c: shared } });
    const running = makeBackup(
      repository,
      { streams: { c: shared } },
      {
        async pause(step) {
          if (step !== 'loaded') return;
          const { ref } = await repository.manifests.resolve(doomed.id);
          await repository.manifests.purge(await repository.manifests.archive(ref));
          clock.advance(1000);
          await applyPrune(repository);
          clock.jump(byMs);
          await applyPrune(repository);
        },
      },
    );
    const outcome = await running.then(() => null, codeOf);
    assert.equal(outcome, byMs >= DAY_MS ? 'object_missing' : null, `${byMs} ms`);
    for await (const { manifest } of repository.manifests.readAll())
      await restoreBackup(repository, manifest);
    assert.deepEqual((await restoreBackup(repository, kept)).streams, fixture.streams);
  }
});

test('negative control: without these checks a wrong clock does delete early', async () => {
  const { world } = await setTheScene();
  const fooled = world.storage;
  const trusting = {
    ...fooled,
    address: fooled.address,
    // A storage that agrees with whoever asks is what the check would be without a second clock.
    stat: async (name: string) => {
      const info = await fooled.stat(name);
      return info && { ...info, modifiedAtMs: world.clock.nowMs() + 2 * DAY_MS };
    },
  };
  const wrong = await world.open({ storage: trusting, clock: skewed(world.clock, 2 * DAY_MS) });
  assert.equal((await applyPrune(wrong)).remove.length, 1);
});

test('lengthening and shortening days change nothing: times are UTC', async () => {
  const { world } = await setTheScene();
  const zone = process.env.TZ;
  try {
    const deleted = [];
    for (const name of ['Europe/Berlin', 'America/New_York', 'Pacific/Auckland']) {
      process.env.TZ = name;
      deleted.push((await applyPrune(world.repository)).remove.length);
    }
    assert.deepEqual(deleted, [0, 0, 0]);
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});
