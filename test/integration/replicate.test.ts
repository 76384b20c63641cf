/** Copies between repositories of different keys and secrets: same backups, same chunks, nothing read twice. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { backup } from '../../src/engine/operations/backup.ts';
import { replicateAmong } from '../../src/engine/operations/replicate-among.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { countDeltas, edited, makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { copyStorage } from '../support/copy-storage.ts';
import { contextOf, copyBetween, participant, placeOf, plainHashes } from '../support/copy-world.ts';
import { namesOf, overwrite, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { randomFrom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Counts the bytes of packs read. */
function counting(storage: Storage): Storage & { packBytes: number } {
  const counted = {
    ...storage,
    address: storage.address,
    packBytes: 0,
    async get(...given: Parameters<Storage['get']>) {
      const bytes = await storage.get(...given);
      if (given[0].startsWith('packs/')) counted.packBytes += bytes.length;
      return bytes;
    },
  };
  return counted;
}

test('a copy is the same backup under another key: id, times, hashes, every byte', async () => {
  const random = randomFrom(21);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const fixture = {
    streams: { 'app.db': random.bytes(700_000), empty: Buffer.alloc(0), zeros: Buffer.alloc(100_000) },
    trees: { uploads: { 'a/one': random.bytes(3000), 'a/two': Buffer.alloc(0), big: random.bytes(400_000) } },
  };
  const manifest = await makeBackup(main.repository, fixture);
  const outcome = await copyBetween(await placeOf(main), await placeOf(offsite));
  assert.deepEqual(
    outcome.copied.map(({ id }) => id),
    [manifest.id],
  );
  assert.deepEqual([outcome.missing, outcome.failures], [[], []]);
  const { manifest: copy } = await offsite.repository.manifests.resolve(manifest.id);
  const same = ({ artifacts, repositoryId: _, ...rest }: typeof copy) => ({
    ...rest,
    artifacts: artifacts.map(({ name, kind, form, sizeBytes, facts }) => ({
      name,
      kind,
      form,
      sizeBytes,
      facts,
    })),
  });
  assert.deepEqual(same(copy), same(manifest));
  assert.notEqual(copy.repositoryId, manifest.repositoryId);
  assert.deepEqual(await plainHashes(offsite.repository, copy), await plainHashes(main.repository, manifest));
  assert.deepEqual((await restoreBackup(offsite.repository, copy)).streams, fixture.streams);
  assert.equal((await verifyRepository(offsite.repository)).ok, true);
});

test('the next generation reads and stores only what is new, from a machine that remembers nothing', async () => {
  const random = randomFrom(22);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const first = { streams: { db: random.bytes(2_000_000) }, trees: { files: { a: random.bytes(500_000) } } };
  await makeBackup(main.repository, first, { chunkBytes: 4096 });
  await copyBetween(await placeOf(main), await placeOf(offsite));
  main.clock.advance(1000);
  offsite.clock.advance(1000);
  const next = Buffer.from(first.streams.db);
  random.bytes(8000).copy(next, 1_000_000);
  const second = await makeBackup(main.repository, { ...first, streams: { db: next } }, { chunkBytes: 4096 });
  const storage = counting(main.storage);
  const outcome = await copyBetween(await placeOf(main, storage), await placeOf(offsite));
  assert.deepEqual(
    outcome.copied.map(({ id }) => id),
    [second.id],
  );
  assert.ok(outcome.storedBytes < 100_000, `${outcome.storedBytes} bytes stored for 8 KB of change`);
  assert.ok(storage.packBytes < 700_000, `${storage.packBytes} bytes read of packs with ${2_500_000}`);
  const { manifest: copy } = await offsite.repository.manifests.resolve(second.id);
  assert.deepEqual((await restoreBackup(offsite.repository, copy)).streams, { db: next });
  assert.equal((await verifyRepository(offsite.repository)).ok, true);

  const reads = counting(main.storage);
  const nothing = await copyBetween(await placeOf(main, reads), await placeOf(offsite));
  assert.deepEqual([nothing.copied, reads.packBytes], [[], 0]);
});

test('differences stay differences, with their bases beside them', async () => {
  const random = randomFrom(23);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const db = random.bytes(300_000);
  const first = await makeBackup(main.repository, { streams: { db } }, { chunkBytes: 8192 });
  main.clock.advance(1000);
  offsite.clock.advance(1000);
  const next = edited(db, random, 60);
  const hooks = { chunkBytes: 8192, previous: first };
  const second = await makeBackup(main.repository, { streams: { db: next } }, hooks);
  const deltas = await countDeltas(main.repository);
  assert.ok(deltas > 10, `${deltas} differences`);
  // The newer one alone: what its differences are made against belongs to a backup that is not copied.
  const rules = { keepLast: 1 };
  const target = await placeOf(offsite, { ...offsite.storage, readsAreCheap: true });
  const outcome = await copyBetween(await placeOf(main), target, {}, rules);
  assert.deepEqual(
    outcome.copied.map(({ id }) => id),
    [second.id],
  );
  assert.deepEqual(
    outcome.leftOut.map(({ id, reason }) => [id, reason]),
    [[first.id, 'retention']],
  );
  assert.equal(await countDeltas(offsite.repository), deltas);
  const { manifest: copy } = await offsite.repository.manifests.resolve(second.id);
  assert.deepEqual((await restoreBackup(offsite.repository, copy)).streams, { db: next });
  assert.equal((await verifyRepository(offsite.repository)).ok, true);

  const far = await repositoryWorld();
  far.clock.advance(1000);
  const remote = await placeOf(far, { ...far.storage, readsAreCheap: false });
  await copyBetween(await placeOf(main), remote, {}, rules);
  assert.equal(await countDeltas(far.repository), 0, 'where reading costs, everything is stored whole');
  const { manifest: whole } = await far.repository.manifests.resolve(second.id);
  assert.deepEqual((await restoreBackup(far.repository, whole)).streams, { db: next });
});

test('trees and long lists of references come over whole; copied back, they are what they were to the last byte', async (t) => {
  const random = randomFrom(24);
  const folder = await temporaryFolder(t);
  const files = join(folder, 'files');
  await mkdir(join(files, 'many'), { recursive: true });
  for (let i = 0; i < 1500; i += 1)
    await writeFile(join(files, 'many', `${i}`), random.bytes(1 + random.int(900)));
  await writeFile(join(files, 'long'), random.bytes(20 << 20));
  await symlink('long', join(files, 'link'));
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const context = { ...contextOf(main, main.repository), scratchRoot: join(folder, 'scratch') };
  const source = { kind: 'files', name: 'files', paths: [files], exclude: [], optional: false } as const;
  const command = { kind: 'command', name: 'dump', command: `cat '${join(files, 'long')}'` } as const;
  const sources = [source, { ...command, artifactName: 'long.dump', restoreCommand: null }];
  const made = await backup(context, { sources, plan: 'p', tenantId: null, type: 'full' });
  const { manifest } = await main.repository.manifests.resolve(made.backupId);
  assert.ok(
    manifest.artifacts.some(({ content }) => content.depth > 0),
    'a list of references is stored apart',
  );
  await copyBetween(await placeOf(main), await placeOf(offsite));
  const { manifest: copy } = await offsite.repository.manifests.resolve(manifest.id);
  assert.deepEqual(await plainHashes(offsite.repository, copy), await plainHashes(main.repository, manifest));

  const clone = await copyStorage(main.storage, main.clock);
  for await (const { name } of clone.list('backups/')) await clone.remove(name);
  const back = await placeOf(main, clone);
  const outcome = await copyBetween(await placeOf(offsite), back);
  assert.deepEqual(
    [outcome.copied.length, outcome.storedBytes],
    [1, 0],
    'every chunk and every list was there',
  );
  const { manifest: again } = await back.context.repository.manifests.resolve(manifest.id);
  assert.deepEqual(again.artifacts, manifest.artifacts);
});

test('copies of one chunk secret: what the other destination writes itself is no more than what changed', async (t) => {
  const folder = await temporaryFolder(t);
  const random = randomFrom(26);
  const main = await repositoryWorld();
  const kin = await repositoryWorld({ like: main.repository.chunkSecrets() });
  const stranger = await repositoryWorld();
  assert.notDeepEqual(kin.repository.keys.masterKey(1), main.repository.keys.masterKey(1), 'keys of its own');
  const dump = join(folder, 'dump');
  const rows = Array.from({ length: 40_000 }, (_, i) => `${i}\t${random.bytes(30).toString('hex')}\n`);
  const run = async (world: RepositoryWorld, changed: number) => {
    await writeFile(dump, rows.map((row, i) => (i % changed === 7 ? `changed ${row}` : row)).join(''));
    // Where reading costs, nothing is stored as a difference, which would save most of it all the same.
    const place = await placeOf(world, { ...world.storage, readsAreCheap: false });
    const context = { ...place.context, scratchRoot: join(folder, 'scratch') };
    const command = {
      kind: 'command',
      name: 'db',
      command: `cat '${dump}'`,
      artifactName: 'db.dump',
    } as const;
    const sources = [{ ...command, restoreCommand: null }];
    return backup(context, { sources, plan: 'p', tenantId: null, type: 'full' });
  };
  const first = await run(main, 1e9);
  for (const [world, limit] of [
    // Two chunks, which may be as large as a tenth of it each, were the borders to fall so.
    [kin, 0.25],
    [stranger, 2],
  ] as const) {
    await copyBetween(await placeOf(main), await placeOf(world));
    world.clock.advance(60_000);
    const { bytesStored } = await run(world, 20_000);
    t.diagnostic(`${bytesStored} of ${first.bytesStored} bytes`);
    assert.ok(bytesStored < limit * first.bytesStored, `${bytesStored} of ${first.bytesStored}`);
    if (world === stranger)
      assert.ok(bytesStored > 0.5 * first.bytesStored, 'the control: without it, everything again');
  }
});

test('what is held, archived or of another plan: as the operator would have it', async () => {
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const backups = [];
  for (const [i, plan] of ['nightly', 'nightly', 'weekly', 'nightly'].entries()) {
    const streams = { db: Buffer.from(`${plan} ${i}`) };
    backups.push(await makeBackup(main.repository, { streams }, { draft: { plan } }));
    main.clock.advance(60_000);
    offsite.clock.advance(60_000);
  }
  const [oldest, removed, weekly, newest] = backups.map(({ id }) => id);
  await main.repository.holds.place(oldest!, 'for the audit');
  const { ref } = await main.repository.manifests.resolve(removed!);
  await main.repository.manifests.archive(ref);

  const planned = await copyBetween(await placeOf(main), await placeOf(offsite), {
    dryRun: true,
    plan: 'nightly',
  });
  assert.deepEqual(
    planned.copied.map(({ id }) => id),
    [oldest, newest],
  );
  assert.deepEqual(await idsAt(offsite), []);

  await copyBetween(await placeOf(main), await placeOf(offsite), { plan: 'nightly' }, { keepLast: 1 });
  assert.deepEqual(
    await idsAt(offsite),
    [oldest, newest].sort(),
    'a held one goes along whatever retention says',
  );
  const [hold] = await allOf(offsite.repository.holds.list());
  assert.deepEqual([hold?.backupId, hold?.reason], [oldest, 'for the audit']);

  const found = await offsite.repository.manifests.resolve(newest!);
  await offsite.repository.manifests.archive(found.ref);
  const again = await copyBetween(await placeOf(main), await placeOf(offsite));
  assert.deepEqual(
    again.copied.map(({ id }) => id),
    [weekly],
  );
  assert.deepEqual(
    again.leftOut.map(({ id, reason }) => [id, reason]),
    [[newest, 'archived']],
  );
  assert.equal((await allOf(offsite.repository.holds.list())).length, 1, 'held once');
});

test('a damaged backup is named and left out, the others come; nothing false is ever committed', async () => {
  const random = randomFrom(25);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const bad = await makeBackup(main.repository, { streams: { db: random.bytes(50_000) } });
  const packs = await namesOf(main.storage, 'packs/');
  main.clock.advance(60_000);
  offsite.clock.advance(60_000);
  const good = await makeBackup(main.repository, { streams: { db: random.bytes(50_000) } });
  const bytes = await main.storage.get(packs[0]!);
  bytes[5000]! ^= 1;
  await overwrite(main.storage, packs[0]!, bytes);
  const outcome = await copyBetween(await placeOf(main), await placeOf(offsite));
  assert.deepEqual(
    outcome.copied.map(({ id }) => id),
    [good.id],
  );
  assert.deepEqual(
    outcome.missing.map(({ id }) => id),
    [bad.id],
  );
  assert.deepEqual(
    outcome.failures.map(({ backupId, code }) => [backupId, code]),
    [[bad.id, 'object_damaged']],
  );
  assert.match(outcome.failures[0]!.message, /^packs\/.*block \d+/);
  assert.deepEqual(await idsAt(offsite), [good.id]);
});

test('a manifest whose hash is not that of its bytes is not copied, nor where its chunks are known when all is read', async () => {
  const [main, offsite, near] = [await repositoryWorld(), await repositoryWorld(), await repositoryWorld()];
  const made = await makeBackup(main.repository, { streams: { db: Buffer.alloc(5000, 1) } });
  await copyBetween(await placeOf(main), await placeOf(near));
  const { version: _, repositoryId: __, id: ___, ...draft } = made;
  const artifacts = [{ ...made.artifacts[0]!, sha256: 'ab'.repeat(32) }];
  const lying = await main.repository.manifests.commit({ ...draft, artifacts }, []);
  await main.repository.manifests.archive((await main.repository.manifests.resolve(made.id)).ref);
  for (const [target, readsAll] of [
    [offsite, false],
    [near, true],
  ] as const) {
    const outcome = await copyBetween(await placeOf(main), await placeOf(target), { readsAll });
    assert.deepEqual([outcome.copied, outcome.missing.map(({ id }) => id)], [[], [lying.id]]);
    assert.match(outcome.failures[0]!.message, /^db is not what its backup says/);
  }
});

test('what one source cannot give another does, and a hold is placed once', async () => {
  const random = randomFrom(27);
  const [main, offsite, third] = [await repositoryWorld(), await repositoryWorld(), await repositoryWorld()];
  const first = await makeBackup(main.repository, { streams: { db: random.bytes(40_000) } });
  await main.repository.holds.place(first.id, 'audit');
  await copyBetween(await placeOf(main), await placeOf(offsite));
  const [pack] = await namesOf(main.storage, 'packs/');
  await main.storage.remove(pack!);
  const warnings: string[] = [];
  const place = await placeOf(third);
  const progress = { ...place.progress, warn: (text: string) => void warnings.push(text) };
  const all = [participant('main', await placeOf(main)), participant('offsite', await placeOf(offsite))];
  const target = participant('third', { ...place, progress });
  const [outcome] = await replicateAmong(all, [target], { dryRun: false });
  assert.deepEqual(
    [outcome!.copied.map(({ id }) => id), outcome!.missing, outcome!.failures],
    [[first.id], [], []],
  );
  assert.match(warnings.join('\n'), /^third: backup .* came another way: chunk .* is in no readable pack$/);
  assert.equal((await allOf(third.repository.holds.list())).length, 1);

  // Released at one of three and held at two: placed again, once.
  await third.repository.holds.release(first.id);
  await replicateAmong(all, [target], { dryRun: false });
  assert.equal((await allOf(third.repository.holds.list())).length, 1);
});

test('another backup under the same id is no copy: it is named at both ends, and neither is touched', async () => {
  const random = randomFrom(29);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const genuine = await makeBackup(main.repository, { streams: { db: random.bytes(10_000) } });
  const { artifacts } = await makeBackup(offsite.repository, { streams: { db: random.bytes(10_000) } });
  const { version: _, repositoryId: __, ...rest } = genuine;
  await offsite.repository.manifests.commit({ ...rest, artifacts }, []);
  const good = await copyBetween(await placeOf(main), await placeOf(await repositoryWorld()));
  assert.deepEqual(good.failures, [], 'the control');
  for (const [from, to] of [
    [main, offsite],
    [offsite, main],
  ] as const) {
    const { failures, copied } = await copyBetween(await placeOf(from), await placeOf(to), {
      plan: 'of nobody',
    });
    assert.deepEqual(copied, []);
    assert.deepEqual(
      failures.map(({ backupId, code }) => [backupId, code]),
      [[genuine.id, 'backup_conflict']],
    );
  }
});

test('two replications at the same time end in one copy of each', async () => {
  const random = randomFrom(28);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const made = [];
  for (let i = 0; i < 3; i += 1) {
    made.push((await makeBackup(main.repository, { streams: { db: random.bytes(30_000) } })).id);
    main.clock.advance(60_000);
    offsite.clock.advance(60_000);
  }
  const runs = await Promise.all(
    [1, 2].map(async () => copyBetween(await placeOf(main), await placeOf(offsite))),
  );
  for (const { missing, failures } of runs) assert.deepEqual([missing, failures], [[], []]);
  assert.deepEqual(await idsAt(offsite), made.toSorted());
  assert.equal((await verifyRepository(offsite.repository)).ok, true);
});

test('one place under two names is refused: it would be one copy', async () => {
  const main = await repositoryWorld();
  const one = { ...participant('main', await placeOf(main)), name: 'offsite' };
  await assert.rejects(
    replicateAmong([participant('main', await placeOf(main))], [one], { dryRun: false }),
    /main and offsite are the same place/,
  );
});

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function idsAt(world: RepositoryWorld): Promise<string[]> {
  const refs = await allOf(world.repository.manifests.list());
  return refs.map(({ id }) => id).sort();
}
