/** reliability.md, 8, and what verify and repair promise beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR_MS } from '../../src/engine/base/clock.ts';
import { codeOf } from '../../src/engine/base/errors.ts';
import { CONFIG_NAME } from '../../src/engine/repository/object-names.ts';
import { applyPrune } from '../../src/engine/repository/prune.ts';
import { repairIndex } from '../../src/engine/repository/repair.ts';
import { type VerifyOptions, verifyRepository } from '../../src/engine/repository/verify.ts';
import { makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { objectZoo, restoreEach } from '../support/object-zoo.ts';
import { namesOf, overwrite, repositoryWorld } from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';

const refusedIn = (outcomes: ReadonlyMap<string, string>) =>
  [...outcomes].filter(([, outcome]) => outcome !== 'right').map(([id]) => id);

test('with any one object gone, verify lists exactly the backups that no longer restore', async () => {
  const zoo = await objectZoo(seededRandom('missing objects'));
  const { storage } = zoo.world;
  for (const name of await namesOf(storage)) {
    const bytes = await storage.get(name);
    await storage.remove(name);
    const lost = refusedIn(await restoreEach(zoo));
    const repository = await zoo.open().catch((error: Error) => error);
    if (repository instanceof Error) {
      assert.ok(name === CONFIG_NAME || name.startsWith('keyrings/'), `${name}: ${repository.message}`);
      assert.equal(lost.length, zoo.backups.length, name);
    } else {
      const { affected, damaged, rejected } = await verifyRepository(repository);
      // A manifest that is gone leaves no trace but in the memory of who saw it (rollback.test.ts).
      const isManifest = name.startsWith('backups/') || name.startsWith('archived/');
      const named = isManifest ? lost : affected.map(({ id }) => id).sort();
      assert.deepEqual(named, [...lost].sort(), name);
      const isNoticed = damaged.some((found) => found.name === name) || rejected.length > 0;
      if (lost.length > 0 && !isManifest) assert.ok(isNoticed, `${name} is gone and nothing says so`);
    }
    await storage.put(name, bytes);
  }
  assert.deepEqual(refusedIn(await restoreEach(zoo)), [], 'everything is back');
});

test('with any one object damaged, verify lists exactly the backups that no longer restore', async () => {
  const random = seededRandom('damaged objects');
  const zoo = await objectZoo(random);
  const { storage } = zoo.world;
  for (const name of await namesOf(storage)) {
    const bytes = await storage.get(name);
    const flipped = Buffer.from(bytes);
    flipped[flipped.length - 20]! ^= 1;
    await overwrite(storage, name, flipped);
    const lost = refusedIn(await restoreEach(zoo));
    const repository = await zoo.open().catch(() => null);
    const affected = repository ? (await verifyRepository(repository)).affected.map(({ id }) => id) : lost;
    assert.deepEqual(affected.sort(), [...lost].sort(), name);
    await overwrite(storage, name, bytes);
  }
});

test('of a tree, the files that are hit are named', async () => {
  const random = seededRandom('tree paths');
  const { repository, storage, clock } = await repositoryWorld();
  const [lost, kept] = [random.bytes(900), random.bytes(900)];
  // The data that will be lost lies in a pack of its own, and the records of the tree in another.
  await makeBackup(repository, { streams: { lost } });
  const [lostPack] = await namesOf(storage, 'packs/');
  clock.advance(1000);
  const files = { 'dir/lost.bin': lost, 'dir/kept': kept, 'tab\there': lost };
  const hit = await makeBackup(repository, { trees: { files } });
  assert.equal((await verifyRepository(repository)).ok, true);
  const bytes = await storage.get(lostPack!);
  bytes[150]! ^= 1;
  await overwrite(storage, lostPack!, bytes);
  const { affected } = await verifyRepository(repository);
  const found = affected.find(({ id }) => id === hit.id)?.artifacts;
  assert.deepEqual(found, [
    { artifact: 'files', why: '2 files are hit', paths: ['dir/lost.bin', 'tab\\x09here'], morePaths: 0 },
  ]);
});

test('one backup is looked at alone, with the packs it needs', async () => {
  const random = seededRandom('verify one');
  const { repository, storage, clock } = await repositoryWorld();
  const good = await makeBackup(repository, { streams: { a: random.bytes(3000) } });
  const [goodPack] = await namesOf(storage, 'packs/');
  clock.advance(1000);
  const bad = await makeBackup(repository, { streams: { a: random.bytes(3000) } });
  const badPack = (await namesOf(storage, 'packs/')).find((name) => name !== goodPack)!;
  const bytes = await storage.get(badPack);
  bytes[200]! ^= 1;
  await overwrite(storage, badPack, bytes);
  const fine = await verifyRepository(repository, { backupId: good.id });
  assert.deepEqual(
    [fine.ok, fine.scope, fine.checked.packs, fine.checked.hashedBytes],
    [true, 'backup', 1, 3000],
  );
  const broken = await verifyRepository(repository, { backupId: bad.id });
  assert.deepEqual(
    broken.damaged.map(({ name }) => name),
    [badPack],
  );
  assert.deepEqual(
    broken.affected.map(({ id, plan, artifacts }) => [id, plan, artifacts[0]?.artifact]),
    [[bad.id, 'nightly', 'a']],
  );
  assert.equal(
    await verifyRepository(repository, { backupId: 'ffff' }).then(() => null, codeOf),
    'id_unknown',
  );
});

test('a share looks at as many packs, the same for the same seed, others for another', async () => {
  const random = seededRandom('verify share');
  const { repository, clock } = await repositoryWorld();
  for (let i = 0; i < 12; i += 1) {
    await makeBackup(repository, { streams: { a: random.bytes(700) } });
    clock.advance(1000);
  }
  const packsAt = async (percent: number, seed: number) =>
    (await verifyRepository(repository, { share: { percent, seed } })).checked.packs;
  assert.deepEqual([await packsAt(0, 1), await packsAt(100, 1)], [0, 12]);
  const counts = [];
  for (let seed = 0; seed < 20; seed += 1) counts.push(await packsAt(50, seed));
  assert.equal(counts[7], await packsAt(50, 7));
  const total = counts.reduce((sum, packs) => sum + packs, 0);
  assert.ok(total > 60 && total < 180, `${total} of 240 packs at 50 percent`);
});

test('an artifact that is not what its manifest says is found although every chunk is good', async () => {
  const random = seededRandom('verify hash');
  const { repository, open } = await repositoryWorld();
  const { manifests } = await open();
  const made = await makeBackup(repository, { streams: { a: random.bytes(2000) } });
  const { id: _, version: __, repositoryId: ___, ...draft } = made;
  const [artifact] = made.artifacts;
  const forged = { ...draft, artifacts: [{ ...artifact!, sha256: '0'.repeat(64) }] };
  const hourBefore = new Date(Date.parse(made.startedAt) - 3_600_000).toISOString();
  const older = await manifests.commit({ ...forged, startedAt: hourBefore }, []);
  const wrong = await manifests.commit({ ...forged, plan: 'wrong' }, []);
  const size = await manifests.commit({ ...draft, artifacts: [{ ...artifact!, sizeBytes: 1999 }] }, []);
  const affectedBy = async (options: VerifyOptions) => {
    const { affected, damaged } = await verifyRepository(repository, options);
    assert.deepEqual(damaged, []);
    return affected.map(({ id }) => id).sort();
  };
  assert.deepEqual(await affectedBy({}), [wrong.id, size.id].sort(), 'of each plan the newest is read');
  assert.deepEqual(await affectedBy({ hashArtifacts: true }), [older.id, wrong.id, size.id].sort());
  assert.deepEqual(await affectedBy({ hashArtifacts: false }), [size.id]);
  assert.deepEqual(await affectedBy({ backupId: older.id }), [older.id]);
});

test('the index is rebuilt from packs alone, and repair says what is lost', async () => {
  const random = seededRandom('repair');
  const { repository, storage, clock } = await repositoryWorld();
  const fixtures = [0, 1, 2].map(() => ({ streams: { a: random.bytes(2000) } }));
  const made = [];
  for (const fixture of fixtures) {
    made.push(await makeBackup(repository, fixture));
    clock.advance(1000);
  }
  for (const name of await namesOf(storage, 'index/')) await storage.remove(name);
  assert.equal((await verifyRepository(repository)).unlistedPacks, 3);
  const whole = await repairIndex(repository);
  assert.deepEqual([whole.packs, whole.lost, whole.affected, whole.indexesWritten], [3, [], [], 1]);
  const after = await verifyRepository(repository);
  assert.deepEqual([after.ok, after.unlistedPacks], [true, 0]);

  // A pack whose own table is damaged keeps what the index knows of it.
  const index = await repository.loadIndex();
  const pack = index.packOf(index.find(made[0]!.artifacts[0]!.content.refs))!;
  const name = `packs/${pack.slice(0, 2)}/${pack}`;
  const bytes = await storage.get(name);
  const cutTable = Buffer.from(bytes);
  cutTable[cutTable.length - 20]! ^= 1;
  await overwrite(storage, name, cutTable);
  assert.deepEqual((await repairIndex(repository)).lost, []);
  assert.deepEqual((await restoreBackup(repository, made[0]!)).streams, fixtures[0]!.streams);

  for (const indexObject of await namesOf(storage, 'index/')) await storage.remove(indexObject);
  const lossy = await repairIndex(repository);
  assert.deepEqual(
    lossy.lost.map((found) => found.name),
    [name],
  );
  assert.deepEqual(
    lossy.affected.map(({ id }) => id),
    [made[0]!.id],
  );
  assert.equal((await namesOf(storage, 'backups/')).length, 3, 'repair never deletes a manifest');
});

test('verify stays quiet about what prune has condemned and deletes', async () => {
  const random = seededRandom('verify and prune');
  const { repository, clock } = await repositoryWorld();
  const doomed = await makeBackup(repository, { streams: { a: random.bytes(2000) } });
  clock.advance(HOUR_MS);
  await makeBackup(repository, { streams: { b: random.bytes(2000) } });
  const { ref } = await repository.manifests.resolve(doomed.id);
  await repository.manifests.purge(await repository.manifests.archive(ref));
  for (let i = 0; i < 3; i += 1) {
    await applyPrune(repository);
    assert.equal((await verifyRepository(repository)).ok, true);
    clock.advance(24 * HOUR_MS);
  }
});

test('a damaged pack is healed by the next backup of the same data', async () => {
  const random = seededRandom('heal');
  const { repository, storage, clock } = await repositoryWorld();
  const fixture = { streams: { a: random.bytes(3000) } };
  const hurt = await makeBackup(repository, fixture);
  const [pack] = await namesOf(storage, 'packs/');
  const bytes = await storage.get(pack!);
  bytes[200]! ^= 1;
  await overwrite(storage, pack!, bytes);
  clock.advance(1000);
  await makeBackup(repository, fixture);
  const damaged = (await verifyRepository(repository)).damaged.map(({ name }) => name);
  assert.deepEqual(damaged, [pack], 'a writer cannot know, and counts on it');
  assert.deepEqual((await repairIndex(repository, { damagedPacks: damaged })).condemned, [pack]);
  clock.advance(1000);
  await makeBackup(repository, fixture);
  assert.deepEqual((await verifyRepository(repository)).affected, []);
  assert.deepEqual((await restoreBackup(repository, hurt)).streams, fixture.streams);
  clock.advance(24 * HOUR_MS);
  await applyPrune(repository);
  assert.equal((await verifyRepository(repository)).ok, true);
});
