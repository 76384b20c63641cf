import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBackup, restoreBackup } from '../../../test/support/backup-fixture.ts';
import { copyStorage } from '../../../test/support/copy-storage.ts';
import { eachKill } from '../../../test/support/each-kill.ts';
import {
  namesOf,
  overwrite,
  type RepositoryWorld,
  repositoryWorld,
} from '../../../test/support/repository-world.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import type { Storage } from '../storage/port.ts';
import type { ListedPack } from './index-object.ts';
import { takeLease } from './leases.ts';
import { mergeIndex, SMALL_INDEXES } from './merge-index.ts';
import { packName } from './object-names.ts';
import { decodeTable } from './pack-toc.ts';
import { applyPrune } from './prune.ts';
import { readIndexObjects } from './read-index.ts';
import { indexWriter } from './replace-index.ts';
import type { RepositoryContext } from './repository-context.ts';
import { scanPacks } from './scan-packs.ts';
import { verifyRepository } from './verify.ts';

const BACKUPS = 5;

async function worldOf(name: string): Promise<RepositoryWorld> {
  const random = seededRandom(name);
  const world = await repositoryWorld();
  for (let i = 0; i < BACKUPS; i += 1) {
    await makeBackup(world.repository, { streams: { a: random.bytes(700) } });
    world.clock.advance(1000);
  }
  return world;
}

const contextOn = ({ repository }: RepositoryWorld, storage: Storage): RepositoryContext => {
  const { id, keys, clock } = repository;
  return { id, keys, clock, storage };
};

async function indexFiles(storage: Storage) {
  const files = [];
  for await (const file of storage.list('index/')) files.push(file);
  return files;
}

/** Every pack the index lists, with what the index says of it. */
async function listedIn(context: RepositoryContext): Promise<string[]> {
  const listed = new Set<string>();
  const files = await indexFiles(context.storage);
  for await (const { name, opened, error } of readIndexObjects(context, files)) {
    assert.ok(opened, `${name}: ${error}`);
    for (const { pack, sizeBytes, table } of opened.packs)
      listed.add(`${pack} ${sizeBytes} ${table.toString('hex')}`);
  }
  return [...listed].sort();
}

async function unlistedIn(context: RepositoryContext): Promise<string[]> {
  const unlisted: string[] = [];
  for await (const _ of scanPacks(context, { onUnlisted: (pack) => unlisted.push(pack) }));
  return unlisted;
}

test('many small index objects become one that says the same', async () => {
  const world = await worldOf('merge index');
  const { repository, storage } = world;
  const before = await listedIn(repository);
  const lease = await takeLease(repository, 'test');
  assert.deepEqual(await mergeIndex(repository, lease, BACKUPS), { written: [], removed: [] });
  const names = await namesOf(storage, 'index/');
  const { written, removed } = await mergeIndex(repository, lease, BACKUPS - 1);
  assert.deepEqual([written.length, [...removed].sort()], [1, names]);
  assert.deepEqual(await namesOf(storage, 'index/'), written);
  assert.deepEqual(await listedIn(repository), before);
  await lease.release();
  assert.deepEqual((await verifyRepository(repository)).ok, true);
});

test('two entries of one pack that differ both stay, and verify can say which is wrong', async () => {
  const world = await worldOf('merge differing');
  const { repository, storage } = world;
  const first = (await readIndexObjects(repository, await indexFiles(storage)).next()).value!;
  const [{ table, ...listed }] = first.opened!.packs as [ListedPack];
  const forged = Buffer.from(table);
  const [block] = decodeTable(table);
  const at = forged.indexOf(block!.chunks[0]!.id);
  forged[at]! ^= 1;
  const writer = indexWriter(repository);
  await writer.add({ ...listed, table: forged });
  await writer.finish();
  const before = await listedIn(repository);
  const lease = await takeLease(repository, 'test');
  assert.equal((await mergeIndex(repository, lease, 1)).removed.length, BACKUPS + 1);
  await lease.release();
  assert.deepEqual(await listedIn(repository), before);
});

test('a pack that is gone stays listed, so that verify names it; an object that does not decode stays too', async () => {
  const world = await worldOf('merge damaged');
  const { repository, storage } = world;
  const [lost] = (await listedIn(repository)).map((entry) => entry.slice(0, 64));
  const [damaged] = await namesOf(storage, 'index/');
  const merge = async (context: RepositoryContext) => {
    const lease = await takeLease(context, 'test');
    const { removed } = await mergeIndex(context, lease, 1);
    await lease.release();
    return removed;
  };
  const broken = await copyStorage(storage, world.clock);
  const bytes = await storage.get(damaged!);
  bytes[bytes.length - 1]! ^= 1;
  await overwrite(broken, damaged!, bytes);
  assert.equal((await merge(contextOn(world, broken))).length, BACKUPS - 1);
  assert.ok((await namesOf(broken, 'index/')).includes(damaged!));

  await storage.remove(packName(lost!));
  assert.equal((await merge(repository)).length, BACKUPS);
  const report = await verifyRepository(repository);
  assert.deepEqual(
    report.damaged.map(({ name }) => name),
    [packName(lost!)],
  );
});

/** Every moment at which a merge may die leaves an index that lists every pack, and a second merge ends it. */
async function survives(merge: typeof mergeIndex): Promise<number> {
  const world = await worldOf('merge killed');
  const before = await listedIn(world.repository);
  const work = async (storage: Storage) => {
    const context = contextOn(world, storage);
    const lease = await takeLease(context, 'test');
    await merge(context, lease, 1);
    await lease.release();
  };
  return eachKill(world.storage, world.clock, work, async (storage, point) => {
    const context = contextOn(world, storage);
    assert.deepEqual(await listedIn(context), before, point);
    assert.deepEqual(await unlistedIn(context), [], point);
  });
}

test('a merge may end at any step, and the harness tells one that removes before it writes', async () => {
  // A lease, the merged object, each of the old ones, the lease.
  assert.equal(await survives(mergeIndex), BACKUPS + 3);
  const wrong: typeof mergeIndex = async (context, lease) => {
    const writer = indexWriter(context);
    const names = await namesOf(context.storage, 'index/');
    for await (const listed of scanPacks(context)) await writer.add(listed);
    for (const name of names) await lease.remove(name);
    return { written: await writer.finish(), removed: names };
  };
  await assert.rejects(survives(wrong), { code: 'ERR_ASSERTION' });
});

test('whoever lists the index while it is merged finds every pack listed', async () => {
  const world = await worldOf('merge while read');
  const { repository, storage } = world;
  let merged = false;
  const moving: Storage = {
    ...storage,
    address: storage.address,
    async get(name, range) {
      if (name.startsWith('index/') && !merged) {
        merged = true;
        await mergeIndex(repository, await takeLease(repository, 'test'), 1);
      }
      return storage.get(name, range);
    },
  };
  assert.deepEqual(await unlistedIn(contextOn(world, moving)), []);
  assert.equal(merged, true);
});

test('prune merges although nothing is to go, and what it merged restores', async () => {
  const world = await worldOf('prune merges');
  const { repository, storage } = world;
  const random = seededRandom('prune merges more');
  const writer = () => indexWriter(repository);
  const kept = await makeBackup(repository, { streams: { a: random.bytes(900) } });
  // As many runs leave them, each with one pack.
  for await (const listed of scanPacks(repository)) {
    for (let i = 0; i < SMALL_INDEXES / BACKUPS; i += 1) {
      const one = writer();
      await one.add(listed);
      await one.finish();
    }
  }
  assert.ok((await namesOf(storage, 'index/')).length > SMALL_INDEXES);
  await applyPrune(repository);
  assert.equal((await namesOf(storage, 'index/')).length, 1);
  assert.equal((await restoreBackup(await world.open(), kept)).streams.a!.length, 900);
});
