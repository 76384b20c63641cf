/** Old epochs leave a repository only by being copied, and no moment is without a readable backup. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '../../src/engine/base/clock.ts';
import { codeOf } from '../../src/engine/base/errors.ts';
import { readHeader } from '../../src/engine/crypto/object-header.ts';
import { LEASE_MS } from '../../src/engine/repository/leases.ts';
import { applyPrune } from '../../src/engine/repository/prune.ts';
import { reencrypt } from '../../src/engine/repository/reencrypt.ts';
import { openRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { type Fixture, makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { eachKill } from '../support/each-kill.ts';
import {
  namesOf,
  overwrite,
  type RepositoryWorld,
  rawCredential,
  repositoryWorld,
} from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';

async function epochsOf(storage: Storage): Promise<Map<string, number>> {
  const epochs = new Map<string, number>();
  for (const folder of ['packs/', 'index/', 'backups/', 'archived/', 'holds/', 'resealed/']) {
    for (const name of await namesOf(storage, folder)) {
      epochs.set(name, readHeader(await storage.get(name)).epoch);
    }
  }
  return epochs;
}

/** Two backups of the first epoch, one of them archived, and a third that shares with them, of the second. */
async function rotated() {
  const random = seededRandom('reencrypt');
  const world = await repositoryWorld();
  const { repository, clock } = world;
  const shared = random.bytes(2000);
  const fixtures: Fixture[] = [
    { streams: { shared, a: random.bytes(900) }, trees: { files: { x: random.bytes(800) } } },
    { streams: { shared, b: random.bytes(900) } },
    { streams: { shared, c: random.bytes(900) } },
  ];
  const ids: string[] = [];
  const backup = async (i: number) => {
    ids.push((await makeBackup(repository, fixtures[i]!)).id);
    clock.advance(1000);
  };
  await backup(0);
  await backup(1);
  const { ref } = await repository.manifests.resolve(ids[1]!);
  await repository.manifests.archive(ref);
  await repository.holds.place(ids[0]!, 'audit');
  const newKey = rawCredential();
  await repository.rotateEpoch({ credentials: [{ credential: newKey, label: 'new' }] });
  await backup(2);
  return { world, fixtures, ids, newKey };
}

async function checkWhole(repository: Repository, scene: Awaited<ReturnType<typeof rotated>>, point: string) {
  for (const [i, id] of scene.ids.entries()) {
    const { ref, manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
    assert.equal(ref.state, i === 1 ? 'archived' : 'backups', point);
    const restored = await restoreBackup(repository, manifest);
    assert.deepEqual(restored.streams, scene.fixtures[i]!.streams, point);
  }
  const held = [];
  for await (const { backupId, reason } of repository.holds.list()) held.push([backupId, reason]);
  assert.deepEqual(held[0], [scene.ids[0], 'audit'], point);
}

const openNew = (world: RepositoryWorld, storage: Storage, newKey: ReturnType<typeof rawCredential>) =>
  openRepository({ storage, credentials: [newKey], clock: world.clock, signingKey: world.signingKey });

test('after reencrypt and prune nothing of the old epoch is left, and every backup is as it was', async () => {
  const scene = await rotated();
  const { world, newKey } = scene;
  const repository = await openNew(world, world.storage, newKey);
  const report = await reencrypt(repository);
  assert.equal(report.condemnedPacks, 2);
  assert.ok(report.rewrittenBytes > 3000 && report.rewrittenObjects >= 6);
  await checkWhole(repository, scene, 'after reencrypt');
  assert.deepEqual(await reencrypt(repository), {
    rewrittenObjects: 0,
    rewrittenBytes: 0,
    condemnedPacks: 0,
  });
  world.clock.advance(DAY_MS);
  await applyPrune(repository);
  const epochs = await epochsOf(world.storage);
  assert.deepEqual(
    [...epochs].filter(([, epoch]) => epoch !== 2),
    [],
  );
  await checkWhole(await openNew(world, world.storage, newKey), scene, 'after prune');
  assert.equal((await verifyRepository(repository)).ok, true);
  const old = await openRepository({
    storage: world.storage,
    credentials: [world.credential],
    clock: world.clock,
  });
  assert.equal(await old.manifests.resolve('latest').then(() => null, codeOf), 'id_unknown');
});

test('reencrypt killed at any call loses nothing, and goes on when told again', async () => {
  const scene = await rotated();
  const { world, newKey } = scene;
  const points = await eachKill(
    world.storage,
    world.clock,
    async (storage) => reencrypt(await openNew(world, storage, newKey)),
    async (storage, point) => {
      await checkWhole(await openNew(world, storage, newKey), scene, `${point}, before`);
      world.clock.advance(LEASE_MS);
      const repository = await openNew(world, storage, newKey);
      await reencrypt(repository);
      await checkWhole(repository, scene, `${point}, after`);
      assert.deepEqual(await namesOf(storage, 'resealed/'), [], point);
      const old = [...(await epochsOf(storage))].filter(
        ([name, epoch]) => epoch === 1 && !name.startsWith('packs/'),
      );
      assert.deepEqual(old, [], point);
    },
  );
  assert.ok(points > 20, `only ${points} calls`);
});

test('a run that is at work while its packs are copied commits, and stays whole when they go', async () => {
  const scene = await rotated();
  const { world, newKey, fixtures } = scene;
  const repository = await openNew(world, world.storage, newKey);
  const manifest = await makeBackup(repository, fixtures[0]!, {
    pause: async (step) => {
      if (step !== 'loaded') return;
      world.clock.advance(1000);
      await reencrypt(repository);
    },
  });
  world.clock.advance(2 * DAY_MS);
  await applyPrune(repository);
  world.clock.advance(2 * DAY_MS);
  await applyPrune(repository);
  assert.deepEqual((await restoreBackup(repository, manifest)).streams, fixtures[0]!.streams);
  assert.equal((await verifyRepository(repository)).ok, true);
});

test('reencrypt refuses to go on over what it cannot read, and gives no forgery a new seal', async () => {
  const { world, newKey } = await rotated();
  const repository = await openNew(world, world.storage, newKey);
  const [name] = await namesOf(world.storage, 'backups/');
  const bytes = await world.storage.get(name!);
  bytes[bytes.length - 1]! ^= 1;
  await overwrite(world.storage, name!, bytes);
  const before = await epochsOf(world.storage);
  assert.equal(await reencrypt(repository).then(() => null, codeOf), 'verify_failed');
  assert.deepEqual(await epochsOf(world.storage), before);
});
