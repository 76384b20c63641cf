/** Whatever one copy loses of its backups comes back from another, and nothing else changes. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOUR_MS } from '../../src/engine/base/clock.ts';
import type { RepositoryPlace } from '../../src/engine/operations/copy-place.ts';
import { type HealOutcome, heal } from '../../src/engine/operations/heal.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { copyStorage } from '../support/copy-storage.ts';
import { copyBetween, placeOf, plainHashes } from '../support/copy-world.ts';
import { count } from '../support/counts.ts';
import { eachKill } from '../support/each-kill.ts';
import { type ObjectZoo, objectZoo } from '../support/object-zoo.ts';
import { namesOf, overwrite, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';

let zoo: ObjectZoo;
let other: RepositoryWorld;
let random: SeededRandom;
let hashes: Map<string, Record<string, string>>;
/** Archived, so that only the zoo itself holds it. */
let alone: string;

before(async () => {
  random = seededRandom('heal');
  zoo = await objectZoo(random);
  // The lease that lies in the zoo runs out.
  zoo.world.clock.advance(HOUR_MS);
  other = await repositoryWorld();
  other.clock.advance(zoo.world.clock.nowMs() - other.clock.nowMs());
  await copyBetween(await placeOf(zoo.world), await placeOf(other));
  const { repository } = (await placeOf(zoo.world)).context;
  hashes = new Map();
  for (const manifest of zoo.backups) hashes.set(manifest.id, await plainHashes(repository, manifest));
  alone = zoo.backups.find(({ tenantId }) => tenantId === 'acme')!.id;
});

async function healFrom(place: RepositoryPlace, healers: readonly RepositoryPlace[]): Promise<HealOutcome> {
  const report = await verifyRepository(place.context.repository);
  const given = healers.map((one) => ({ name: 'other', place: one, affected: new Set<string>() }));
  const outcome = await heal(place, report, given);
  for (const one of healers) await copyBetween(one, place);
  return outcome;
}

/** Verifies, and every backup but the one that nobody else holds is what it was. */
async function assertWhole(storage: Storage, point: string): Promise<void> {
  const { repository } = (await placeOf(zoo.world, storage)).context;
  const report = await verifyRepository(repository);
  const about = [...report.damaged, ...report.rejected].filter(({ name }) => !name.includes(alone));
  const isOfAlone = report.affected.some(({ id }) => id === alone);
  assert.deepEqual(
    report.affected.filter(({ id }) => id !== alone),
    [],
    point,
  );
  // A damaged pack that the one alone needs has nowhere to come from, and stays named.
  if (!isOfAlone) assert.deepEqual(about, [], point);
  for (const [id, expected] of hashes) {
    if (id === alone) continue;
    const found = await repository.manifests
      .resolve(id)
      .catch((error: unknown) => assert.fail(`${point}: ${error}`));
    assert.deepEqual(await plainHashes(repository, found.manifest), expected, point);
  }
}

const HEALABLE = ['packs/', 'index/', 'backups/', 'signers/00000002/', 'holds/'];

test('an object damaged or lost, of every kind that a copy can give back', async () => {
  const all = await namesOf(zoo.world.storage);
  const kinds = HEALABLE.map((kind) => all.filter((name) => name.startsWith(kind)));
  assert.ok(kinds.every(({ length }) => length > 0));
  const some = (ofKind: string[]) => [random.pick(ofKind), random.pick(ofKind)];
  const names = [...new Set(kinds.flatMap((ofKind) => (count(0, 1) === 1 ? ofKind : some(ofKind))))];
  const healer = await placeOf(other);
  for (const [i, name] of names.entries()) {
    for (const how of ['flipped', 'lost', 'cut'] as const) {
      if (['flipped', 'lost', 'cut'][i % 3] !== how && count(1, 0) === 1) continue;
      const storage = await copyStorage(zoo.world.storage, zoo.world.clock);
      const bytes = await storage.get(name);
      if (how === 'lost') await storage.remove(name);
      else {
        const changed = Buffer.from(bytes);
        changed[random.int(bytes.length)]! ^= 1 << random.int(8);
        await overwrite(storage, name, how === 'cut' ? bytes.subarray(0, random.int(bytes.length)) : changed);
      }
      await healFrom(await placeOf(zoo.world, storage), [healer]);
      await assertWhole(storage, `${name} ${how}`);
    }
  }
});

/** The zoo with a damaged pack and a damaged manifest. */
async function wounded(): Promise<Storage> {
  const storage = await copyStorage(zoo.world.storage, zoo.world.clock);
  const packs = await namesOf(storage, 'packs/');
  const bytes = await storage.get(packs[0]!);
  bytes[300]! ^= 4;
  await overwrite(storage, packs[0]!, bytes);
  const [manifest] = await namesOf(storage, 'backups/');
  await overwrite(storage, manifest!, (await storage.get(manifest!)).subarray(0, 200));
  return storage;
}

test('killed before or after any call, healing loses nothing that was whole, and the next one ends it', async () => {
  const storage = await wounded();
  const report = await verifyRepository((await placeOf(zoo.world, storage)).context.repository);
  const hit = new Set(report.affected.map(({ id }) => id));
  const whole = [...hashes].filter(([id]) => !hit.has(id));
  const healer = await placeOf(other);
  let failure: unknown = null;
  const calls = await eachKill(
    storage,
    zoo.world.clock,
    async (killing) => {
      const place = await placeOf(zoo.world, killing);
      const { failures } = await healFrom(place, [healer]);
      failure = failures.find(({ backupId }) => backupId !== alone) ?? null;
      if (failure) throw new Error('killed inside');
    },
    async (left, point) => {
      const { repository } = (await placeOf(zoo.world, left)).context;
      for (const [id, expected] of whole) {
        const { manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
        assert.deepEqual(await plainHashes(repository, manifest), expected, point);
      }
      // The lease of whoever was killed runs out.
      zoo.world.clock.advance(HOUR_MS);
      await healFrom(await placeOf(zoo.world, left), [healer]);
      await assertWhole(left, point);
    },
  );
  assert.ok(calls >= 6, `${calls} calls`);
});

test('negative control: with no other copy, or one that is damaged too, nothing is called whole', async () => {
  const storage = await wounded();
  const nobody = await healFrom(await placeOf(zoo.world, storage), []);
  assert.ok(nobody.failures.length > 0);
  await assert.rejects(assertWhole(storage, 'healed by nobody'), {
    name: 'AssertionError',
    message: /healed by nobody/,
  });

  const broken = await copyStorage(other.storage, other.clock);
  for (const name of await namesOf(broken, 'packs/')) await broken.remove(name);
  const { failures } = await healFrom(await placeOf(zoo.world, storage), [await placeOf(other, broken)]);
  assert.ok(
    failures.every(({ code }) => code === 'chunk_missing' || code === 'object_damaged'),
    JSON.stringify(failures),
  );
  await assert.rejects(assertWhole(storage, 'healed by a broken one'), { message: /healed by a broken one/ });

  // A manifest that could not be replaced is still there: nothing is taken away before its replacement was found.
  const names = await namesOf(storage, 'backups/');
  assert.equal(names.length, (await namesOf(zoo.world.storage, 'backups/')).length);
});

test('a healed copy keeps its manifests where its chunks come back the same', async () => {
  const storage = await copyStorage(zoo.world.storage, zoo.world.clock);
  for (const name of await namesOf(storage, 'packs/')) await storage.remove(name);
  const before = new Map<string, Buffer>();
  for (const name of await namesOf(storage, 'backups/')) before.set(name, await storage.get(name));
  const { healed } = await healFrom(await placeOf(zoo.world, storage), [await placeOf(other)]);
  assert.equal(healed.length, zoo.backups.length - 1);
  let same = 0;
  for (const [name, bytes] of before) if ((await storage.get(name)).equals(bytes)) same += 1;
  assert.equal(same, before.size);
  await assertWhole(storage, 'every pack lost');
});
