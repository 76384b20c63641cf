/** Reliability test 22: whatever removes backups can be undone for 30 days, and nothing goes for good before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS } from '../../src/engine/base/clock.ts';
import { prune } from '../../src/engine/operations/maintenance.ts';
import { ARCHIVE_MS, archive, rotate, undelete } from '../../src/engine/operations/rotate.ts';
import type { Manifest } from '../../src/engine/repository/manifest.ts';
import { makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { contextOf } from '../support/copy-world.ts';
import { count } from '../support/counts.ts';
import { namesOf, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';

const harsh = { plan: null, tenantId: null, rulesOf: () => ({ keepLast: 1, days: 1, versions: 1 }) };
const context = (world: RepositoryWorld) => contextOf(world, world.repository);

/** Every way in which somebody who may do everything takes backups away; the newest good one stays by design of the second. */
const ROUTES: Readonly<Record<string, (world: RepositoryWorld, made: readonly Manifest[]) => Promise<void>>> =
  {
    'one by one': async (world, made) => {
      for (const { id } of made) await archive(context(world), id);
    },
    'by retention': async (world) => {
      const { removed } = await rotate(context(world), { ...harsh, dryRun: false });
      assert.ok(removed > 0);
    },
  };

async function withBackups(): Promise<{
  world: RepositoryWorld;
  made: Manifest[];
  bytes: Map<string, Buffer>;
}> {
  const random = seededRandom('soft delete');
  const world = await repositoryWorld();
  const made: Manifest[] = [];
  const bytes = new Map<string, Buffer>();
  for (let i = 0; i < count(4, 30); i += 1) {
    world.clock.advance(DAY_MS);
    const db = random.bytes(20_000);
    const manifest = await makeBackup(world.repository, { streams: { db } });
    made.push(manifest);
    bytes.set(manifest.id, db);
  }
  return { world, made, bytes };
}

/** Retention and prune as often as a schedule runs them, until so long after. */
async function liveOn(world: RepositoryWorld, ms: number): Promise<void> {
  for (let spent = 0; spent < ms; ) {
    const step = Math.min(ms - spent, 7 * DAY_MS);
    world.clock.advance(step);
    spent += step;
    await rotate(context(world), { ...harsh, dryRun: false });
    await prune(context(world), { dryRun: false });
  }
}

async function lostOf(world: RepositoryWorld, bytes: ReadonlyMap<string, Buffer>): Promise<string[]> {
  const lost: string[] = [];
  for (const [id, expected] of bytes) {
    try {
      await undelete(context(world), id);
      const { manifest } = await world.repository.manifests.resolve(id);
      if (!(await restoreBackup(world.repository, manifest)).streams.db!.equals(expected)) lost.push(id);
    } catch {
      lost.push(id);
    }
  }
  return lost;
}

for (const [route, remove] of Object.entries(ROUTES)) {
  test(`removed ${route}: all of it comes back until the last hour, byte for byte, and goes for good only then`, async () => {
    const { world, made, bytes } = await withBackups();
    await remove(world, made);
    await liveOn(world, ARCHIVE_MS - HOUR_MS);
    assert.deepEqual(await lostOf(world, bytes), []);

    const again = await withBackups();
    await remove(again.world, again.made);
    await liveOn(again.world, ARCHIVE_MS + HOUR_MS);
    assert.deepEqual(await namesOf(again.world.storage, 'archived/'), [], 'a month later its place is free');
  });
}

test('negative control: an archive that is emptied a day early is caught, and so is one without any', async () => {
  for (const afterMs of [ARCHIVE_MS - DAY_MS, 0]) {
    const { world, made, bytes } = await withBackups();
    await ROUTES['one by one']!(world, made);
    if (afterMs > 0) await liveOn(world, afterMs);
    for await (const ref of world.repository.manifests.list('archived')) {
      await world.repository.manifests.purge(ref);
    }
    assert.equal((await lostOf(world, bytes)).length, made.length);
  }
});
