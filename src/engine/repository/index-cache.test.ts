import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Killed } from '../../../test/support/killing-storage.ts';
import {
  namesOf,
  overwrite,
  type RepositoryWorld,
  repositoryWorld,
} from '../../../test/support/repository-world.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import type { Storage } from '../storage/port.ts';
import { type CacheFiles, type IndexCache, indexCache } from './index-cache.ts';
import { takeLease } from './leases.ts';
import { loadIndex } from './load-index.ts';
import { mergeIndex } from './merge-index.ts';
import { packName } from './object-names.ts';
import { encodeTable } from './pack-toc.ts';
import { indexWriter, replaceIndex } from './replace-index.ts';
import type { RepositoryContext } from './repository-context.ts';
import { type ScanOptions, scanPacks } from './scan-packs.ts';

const RUNS = 40;
const MORE = 5;

/** A pack and an index object, as a small run leaves them. The pack is no real one: nobody here reads it. */
async function leaveRun(context: RepositoryContext): Promise<string> {
  const bytes = randomBytes(120);
  const pack = createHash('sha256').update(bytes).digest('hex');
  await context.storage.put(packName(pack), bytes);
  const chunks = [{ id: randomBytes(32), lengthBytes: 20 }];
  const table = encodeTable([{ storedBytes: 28, plainBytes: 20, encoding: 0, bases: [], chunks }]);
  const writer = indexWriter(context);
  await writer.add({ pack, sizeBytes: bytes.length, table });
  await writer.finish();
  return pack;
}

interface Place extends RepositoryWorld {
  readonly folder: string;
  readonly cache: (files?: CacheFiles) => IndexCache;
}

async function placeOf(t: TestContext, runs = RUNS): Promise<Place> {
  const world = await repositoryWorld();
  for (let run = 0; run < runs; run += 1) await leaveRun(world.repository);
  const folder = join(await temporaryFolder(t), 'index');
  return { ...world, folder, cache: (files) => indexCache(world.repository, folder, files) };
}

/** What a scan finds, and how many index objects it fetches for it. */
async function scan({ repository }: Pick<Place, 'repository'>, options: ScanOptions = {}) {
  let fetched = 0;
  const storage: Storage = {
    ...repository.storage,
    get(name, range) {
      if (name.startsWith('index/')) fetched += 1;
      return repository.storage.get(name, range);
    },
  };
  const { id, keys, clock } = repository;
  const found: string[] = [];
  const missing: string[] = [];
  const onMissing = (pack: string) => void missing.push(pack);
  for await (const { pack, sizeBytes, table } of scanPacks(
    { id, keys, clock, storage },
    { onMissing, ...options },
  )) {
    found.push(`${pack} ${sizeBytes} ${table.toString('hex')}`);
  }
  return { found: found.sort(), missing, fetched };
}

test('index objects are fetched once, and few new ones each time until they are worth a file', async (t) => {
  const place = await placeOf(t);
  const first = await scan(place, { cache: place.cache() });
  assert.deepEqual([first.found.length, first.fetched], [RUNS, RUNS]);
  const second = await scan(place, { cache: place.cache() });
  assert.deepEqual([second.found, second.fetched], [first.found, 0]);
  for (let run = 0; run < MORE; run += 1) await leaveRun(place.repository);
  const few = await scan(place, { cache: place.cache() });
  assert.deepEqual([few.found, few.fetched], [(await scan(place)).found, MORE]);
  for (let run = MORE; run < RUNS; run += 1) await leaveRun(place.repository);
  assert.equal((await scan(place, { cache: place.cache() })).fetched, RUNS);
  const last = await scan(place, { cache: place.cache() });
  assert.deepEqual([last.found, last.fetched], [(await scan(place)).found, 0]);
  assert.equal((await promises.readdir(place.folder)).length, 1, 'small files go up in the next');
  const { mode } = await promises.stat(join(place.folder, (await promises.readdir(place.folder))[0]!));
  assert.equal(mode & 0o777, 0o600);
});

test('a repository with a state folder uses it, for writing and for reading', async (t) => {
  const { repository, ...world } = await placeOf(t);
  const stateFolder = await temporaryFolder(t);
  const opened = await world.open({ stateFolder });
  const { count } = await opened.loadIndex();
  assert.equal(count, RUNS);
  assert.equal((await promises.readdir(join(stateFolder, `index-${repository.id}`))).length, 1);
  let fetched = 0;
  const counting: Storage = {
    ...world.storage,
    get(name, range) {
      if (name.startsWith('index/')) fetched += 1;
      return world.storage.get(name, range);
    },
  };
  const again = await world.open({ stateFolder, storage: counting });
  assert.equal((await again.loadIndex({ forReading: true })).count, RUNS);
  assert.equal(fetched, 0);
});

test('files that are damaged, cut, foreign or left behind are removed, and nothing is missed', async (t) => {
  const place = await placeOf(t);
  const { found } = await scan(place, { cache: place.cache() });
  const [file] = await promises.readdir(place.folder);
  const path = join(place.folder, file!);
  const good = await promises.readFile(path);
  const other = await placeOf(t);
  await scan(other, { cache: other.cache() });
  const foreign = await promises.readFile(join(other.folder, (await promises.readdir(other.folder))[0]!));
  const flipped = (at: number) => {
    const bytes = Buffer.from(good);
    bytes[at]! ^= 1;
    return bytes;
  };
  const step = Math.ceil(good.length / 40);
  const bad = [
    foreign,
    Buffer.alloc(0),
    good.subarray(0, 60),
    good.subarray(0, -1),
    Buffer.concat([good, good]),
  ];
  for (let at = 0; at < good.length; at += step) bad.push(flipped(at));
  for (const [number, bytes] of bad.entries()) {
    await promises.writeFile(path, bytes);
    assert.deepEqual((await scan(place, { cache: place.cache() })).found, found, `variant ${number}`);
    assert.equal((await promises.readdir(place.folder)).includes(file!), false, `variant ${number}`);
    await promises.rm(place.folder, { recursive: true });
    await promises.mkdir(place.folder);
  }
  const left = join(place.folder, `${'0'.repeat(32)}.part`);
  await promises.writeFile(left, good);
  await scan(place, { cache: place.cache() });
  assert.equal((await promises.readdir(place.folder)).length, 2, 'somebody may be writing it');
  await promises.utimes(left, 1, 1);
  await scan(place, { cache: place.cache() });
  assert.equal((await promises.readdir(place.folder)).length, 1);
});

/** Removes what it cached behind its back: merged, then one pack pruned, whose index entry goes first. */
async function missingAfterPrune(t: TestContext, wrap: (cache: IndexCache) => IndexCache) {
  const place = await placeOf(t);
  const { found } = await scan(place, { cache: place.cache() });
  const lease = await takeLease(place.repository, 'test');
  await mergeIndex(place.repository, lease, 1);
  assert.deepEqual((await scan(place, { cache: wrap(place.cache()) })).found, found);
  const gone = found[0]!.slice(0, 64);
  await replaceIndex(place.repository, lease, (pack) => pack === gone);
  await place.storage.remove(packName(gone));
  return (await scan(place, { cache: wrap(place.cache()) })).missing;
}

test('what was replaced on storage counts no more; a cache that forgets to ask is caught', async (t) => {
  assert.deepEqual(await missingAfterPrune(t, (cache) => cache), []);
  const trusting = (cache: IndexCache): IndexCache => {
    const all = { has: () => true } as unknown as ReadonlySet<string>;
    return { ...cache, read: () => cache.read(all) };
  };
  assert.equal((await missingAfterPrune(t, trusting)).length, 1);
});

type Dying = CacheFiles & { readonly isDead: () => boolean };

/** The same files, whose user dies at call number `at`. */
function dying(at: number, when: 'before' | 'after'): Dying {
  let calls = 0;
  let dead = false;
  const wrap =
    <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const own = calls;
      calls += 1;
      dead ||= own === at && when === 'before';
      if (dead) throw new Killed();
      const result = await work(...given);
      dead ||= own === at;
      if (dead) throw new Killed();
      return result;
    };
  const { mkdir, rename, rm, writeFile } = promises;
  const changing = {
    mkdir: wrap(mkdir as never),
    rename: wrap(rename),
    rm: wrap(rm),
    writeFile: wrap(writeFile),
  };
  return { ...promises, ...changing, isDead: () => dead } as Dying;
}

/** Dies at each change of a file, in a scan that writes what it read and removes what goes up in it. */
async function survivesEachStep(t: TestContext, spoil: (files: CacheFiles) => CacheFiles) {
  const place = await placeOf(t);
  await scan(place, { cache: place.cache() });
  for (let run = 0; run < RUNS; run += 1) await leaveRun(place.repository);
  const { found } = await scan(place);
  const before = `${place.folder}-before`;
  await promises.cp(place.folder, before, { recursive: true });
  for (let at = 0; ; at += 1) {
    for (const when of ['before', 'after'] as const) {
      await promises.rm(place.folder, { recursive: true });
      await promises.cp(before, place.folder, { recursive: true });
      const files = dying(at, when);
      assert.deepEqual((await scan(place, { cache: place.cache(spoil(files)) })).found, found);
      if (!files.isDead()) return at;
      const after = await scan(place, { cache: place.cache() });
      assert.deepEqual(after.found, found, `${when} call ${at}`);
      assert.ok(after.fetched <= RUNS, `${when} call ${at} lost what was cached`);
    }
  }
}

test('a run may end at each step of writing the cache; removing before writing is caught', async (t) => {
  // The folder, the new file, its name, the old file.
  assert.equal(await survivesEachStep(t, (files) => files), 4);
  const eager = (files: CacheFiles): CacheFiles =>
    ({
      ...files,
      async mkdir(folder: string, options: never) {
        for (const file of await promises.readdir(folder)) await files.rm(join(folder, file));
        return files.mkdir(folder, options);
      },
    }) as CacheFiles;
  await assert.rejects(survivesEachStep(t, eager), { code: 'ERR_ASSERTION' });
});

test('a folder that cannot be written costs nothing but time', async (t) => {
  const place = await placeOf(t);
  await promises.writeFile(place.folder, 'no folder');
  assert.equal((await scan(place, { cache: place.cache() })).found.length, RUNS);
});

test('an object that is damaged on storage is told by whoever asks storage', async (t) => {
  const place = await placeOf(t);
  await loadIndex(place.repository, { cache: place.cache() });
  const [name] = await namesOf(place.storage, 'index/');
  await overwrite(place.storage, name!, Buffer.from('nothing'));
  const damaged: string[] = [];
  await scan(place, { onDamage: (found) => damaged.push(found) }).catch(() => {});
  assert.deepEqual(damaged.slice(0, 1), [name]);
  assert.equal((await loadIndex(place.repository, { cache: place.cache() })).count, RUNS);
});
