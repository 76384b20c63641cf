import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { namesOf, overwrite, repositoryWorld } from '../../../test/support/repository-world.ts';
import { randomFrom, seededRandom } from '../../../test/support/seed.ts';
import { DAY_MS, MINUTE_MS } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import type { Storage } from '../storage/port.ts';
import { LEASE_MS, removeExpiredLeases, takeLease } from './leases.ts';

const refused = (promise: Promise<unknown>) => promise.then(() => null, codeOf);

test('a second holder is refused until the first gives back or expires', async () => {
  const { repository, clock } = await repositoryWorld();
  const lease = await takeLease(repository, 'a');
  assert.equal(await refused(takeLease(repository, 'b')), 'lease_held');
  await lease.check();
  await lease.release();
  const next = await takeLease(repository, 'b');
  clock.advance(LEASE_MS);
  const third = await takeLease(repository, 'c');
  assert.equal(await refused(next.check()), 'lease_lost');
  await third.check();
  clock.advance(10 * MINUTE_MS);
  await removeExpiredLeases(repository, third);
  assert.equal((await namesOf(repository.storage, 'leases/')).length, 1);
});

test('a lease in use renews itself for as long as it is checked', async () => {
  const { repository, clock } = await repositoryWorld();
  const lease = await takeLease(repository, 'long');
  for (let i = 0; i < 20; i += 1) {
    clock.advance(LEASE_MS * 0.6);
    await lease.check();
    assert.equal(await refused(takeLease(repository, 'other')), 'lease_held');
  }
  assert.equal((await namesOf(repository.storage, 'leases/')).length, 1);
  await lease.release();
  assert.equal((await namesOf(repository.storage, 'leases/')).length, 0);
});

test('a lease that was taken away, or that has an earlier rival, is lost', async () => {
  const { repository, storage, clock } = await repositoryWorld();
  const gone = await takeLease(repository, 'gone');
  for (const name of await namesOf(storage, 'leases/')) await storage.remove(name);
  assert.equal(await refused(gone.check()), 'lease_lost');

  const early = await takeLease(repository, 'early');
  const [name] = await namesOf(storage, 'leases/');
  const bytes = await storage.get(name!);
  await early.release();
  clock.advance(1000);
  const late = await takeLease(repository, 'late');
  await storage.put(name!, bytes);
  assert.equal(await refused(late.check()), 'lease_lost');
});

test('an unreadable lease counts as held for as long as a lease may last', async () => {
  const { repository, storage, clock } = await repositoryWorld();
  const lease = await takeLease(repository, 'a');
  const [name] = await namesOf(storage, 'leases/');
  const bytes = await storage.get(name!);
  bytes[bytes.length - 1]! ^= 1;
  await overwrite(storage, name!, bytes);
  await lease.release().catch(() => undefined);
  await overwrite(storage, name!, bytes);
  assert.equal(await refused(takeLease(repository, 'b')), 'lease_held');
  clock.advance(LEASE_MS + 1);
  await (await takeLease(repository, 'b')).release();
});

test('clocks that differ by more than 5 minutes end it before anything is done', async () => {
  const { repository, storage, clock, open } = await repositoryWorld();
  for (const skewMs of [6 * MINUTE_MS, -6 * MINUTE_MS, DAY_MS, -DAY_MS, 365 * DAY_MS, -365 * DAY_MS]) {
    const skewed = { nowMs: () => clock.nowMs() + skewMs, monotonicMs: () => clock.monotonicMs() };
    assert.equal(
      await refused(takeLease(await open({ clock: skewed }), 'skewed')),
      'clock_skew',
      `${skewMs}`,
    );
  }
  const slightly = { nowMs: () => clock.nowMs() + 4 * MINUTE_MS, monotonicMs: () => clock.monotonicMs() };
  await (await takeLease(await open({ clock: slightly }), 'slightly')).release();
  await takeLease(repository, 'today');
  clock.jump(-DAY_MS);
  assert.equal(await refused(takeLease(repository, 'yesterday')), 'clock_skew');
  assert.equal((await namesOf(storage, 'leases/')).length, 1);
});

/** Stops the holder at a random call for longer than its lease lasts, as SIGSTOP would. */
function pausing(storage: Storage, pauseAtCall: number, pause: () => void): Storage {
  let calls = 0;
  const step = () => {
    calls += 1;
    if (calls === pauseAtCall) pause();
  };
  return {
    ...storage,
    address: storage.address,
    put: async (...given) => {
      step();
      return storage.put(...given);
    },
    get: async (...given) => {
      const bytes = await storage.get(...given);
      step();
      return bytes;
    },
    async *list(...given) {
      for await (const info of storage.list(...given)) {
        step();
        yield info;
      }
    },
  };
}

/** Deletes under the lease and pauses once; resolves with how many deletions came after the pause. */
async function deletionsAfterPause(
  seed: number,
  remove: (lease: Awaited<ReturnType<typeof takeLease>>, storage: Storage, name: string) => Promise<void>,
): Promise<number> {
  const random = randomFrom(seed);
  const { clock, storage, open } = await repositoryWorld();
  const victims = Array.from({ length: 8 }, (_, i) => `packs/${i}`);
  for (const name of victims) await storage.put(name, Buffer.alloc(1));
  let paused = false;
  const slow = pausing(storage, 8 + random.int(30), () => {
    paused = true;
    clock.advance(LEASE_MS + random.int(DAY_MS));
  });
  let late = 0;
  const counting: Storage = {
    ...slow,
    address: slow.address,
    async remove(name) {
      if (paused && name.startsWith('packs/')) late += 1;
      await slow.remove(name);
    },
  };
  const holder = await open({ storage: counting });
  try {
    const lease = await takeLease(holder, 'paused');
    for (const name of victims) {
      clock.advance(random.int(10 * MINUTE_MS));
      await remove(lease, counting, name);
    }
  } catch (error) {
    assert.equal(codeOf(error), 'lease_lost');
  }
  return late;
}

test('a holder that slept past its lease deletes nothing when it wakes', async () => {
  const random = seededRandom('expired holder');
  let late = 0;
  const rounds = count(60, 200);
  for (let round = 0; round < rounds; round += 1) {
    late += await deletionsAfterPause(random.int(2 ** 31), (lease, _, name) => lease.remove(name));
  }
  assert.equal(late, 0);
});

test('negative control: a holder that does not look again is caught deleting', async () => {
  const random = seededRandom('careless holder');
  let late = 0;
  // A third of the rounds catch it.
  for (let round = 0; round < 200 && late === 0; round += 1) {
    late += await deletionsAfterPause(random.int(2 ** 31), async (lease, storage, name) => {
      await lease.check().catch(() => undefined);
      await storage.remove(name);
    });
  }
  assert.ok(late > 0);
});
