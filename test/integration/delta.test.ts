/** Chunks stored as differences: they come back right, keep what they need, and fail closed when it is damaged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '../../src/engine/base/clock.ts';
import { codeOf } from '../../src/engine/base/errors.ts';
import type { Manifest } from '../../src/engine/repository/manifest.ts';
import { packName } from '../../src/engine/repository/object-names.ts';
import { decodeTable } from '../../src/engine/repository/pack-toc.ts';
import { applyPrune } from '../../src/engine/repository/prune.ts';
import { reencrypt } from '../../src/engine/repository/reencrypt.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { scanPacks } from '../../src/engine/repository/scan-packs.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import { countDeltas, edited, makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { count } from '../support/counts.ts';
import {
  overwrite,
  type RepositoryWorld,
  rawCredential,
  repositoryWorld,
} from '../support/repository-world.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';

const CHUNK_BYTES = 4096;

interface Generation {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
}

async function generation(
  { repository, clock }: RepositoryWorld,
  bytes: Buffer,
  previous?: Manifest,
): Promise<Generation> {
  clock.advance(1000);
  const hooks = { chunkBytes: CHUNK_BYTES, ...(previous ? { previous } : {}) };
  return { manifest: await makeBackup(repository, { streams: { db: bytes } }, hooks), bytes };
}

/** A full backup, and one in which every chunk changed a little. */
async function pair(
  random: SeededRandom,
): Promise<{ world: RepositoryWorld; old: Generation; young: Generation }> {
  const world = await repositoryWorld();
  const bytes = random.bytes(40 * CHUNK_BYTES);
  const old = await generation(world, bytes);
  const changed = Buffer.from(bytes);
  for (let at = 7; at < changed.length; at += CHUNK_BYTES / 2) changed[at]! ^= 1 + random.int(255);
  const young = await generation(world, changed, old.manifest);
  return { world, old, young };
}

async function assertComesBack(repository: Repository, { manifest, bytes }: Generation): Promise<void> {
  const { streams } = await restoreBackup(repository, manifest);
  assert.ok(streams.db!.equals(bytes));
}

async function purge(repository: Repository, { manifest }: Generation): Promise<void> {
  const { ref } = await repository.manifests.resolve(manifest.id, ['backups', 'archived']);
  await repository.manifests.purge(await repository.manifests.archive(ref));
}

/** Packs that hold full chunks only, and packs that hold a difference. */
async function packsByKind(repository: Repository): Promise<{ full: string[]; deltas: string[] }> {
  const full: string[] = [];
  const deltas: string[] = [];
  for await (const { pack, table } of scanPacks(repository)) {
    const isDelta = [...decodeTable(table)].some(({ bases }) => bases.length > 0);
    (isDelta ? deltas : full).push(packName(pack));
  }
  return { full, deltas };
}

const storedBytes = async ({ storage }: RepositoryWorld) => {
  let sum = 0;
  for await (const { sizeBytes } of storage.list('packs/')) sum += sizeBytes;
  return sum;
};

test('a chunk that changed a little costs a little, and comes back', async () => {
  const world = await repositoryWorld();
  const random = seededRandom('delta');
  const old = await generation(world, random.bytes(40 * CHUNK_BYTES));
  const first = await storedBytes(world);
  const young = await generation(world, edited(old.bytes, random, 80), old.manifest);
  const added = (await storedBytes(world)) - first;
  assert.ok(added < 0.15 * first, `${added} bytes added to ${first}`);
  assert.ok((await countDeltas(world.repository)) > 20);
  await assertComesBack(await world.open(), old);
  await assertComesBack(await world.open(), young);
  assert.ok((await verifyRepository(await world.open())).ok);
});

test('a difference is never against a difference, over many generations of edits, inserts and cuts', async () => {
  const random = seededRandom('delta generations');
  const world = await repositoryWorld();
  let bytes = random.bytes(30 * CHUNK_BYTES + 77);
  const all = [await generation(world, bytes)];
  for (let i = 0; i < count(8, 60); i += 1) {
    bytes = edited(bytes, random, 1 + random.int(40));
    const at = random.int(bytes.length);
    if (random.int(3) === 0)
      bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(300)), bytes.subarray(at)]);
    if (random.int(3) === 0)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(5000))]);
    all.push(await generation(world, bytes, all.at(-1)!.manifest));
  }
  const deltas = new Set<string>();
  const bases = new Set<string>();
  for await (const { table } of scanPacks(world.repository)) {
    for (const block of decodeTable(table)) {
      for (const base of block.bases) bases.add(Buffer.from(base).toString('hex'));
      if (block.bases.length > 0) deltas.add(block.chunks[0]!.id.toString('hex'));
    }
  }
  assert.ok(deltas.size > 20, `${deltas.size} differences`);
  assert.equal([...bases].filter((id) => deltas.has(id)).length, 0);
  const repository = await world.open();
  for (const one of all) await assertComesBack(repository, one);
});

test('a base lives as long as a difference against it, and goes with the last', async () => {
  const random = seededRandom('delta prune');
  const { world, old, young } = await pair(random);
  const { repository, clock } = world;
  await purge(repository, old);
  for (let i = 0; i < 3; i += 1) {
    await applyPrune(repository);
    clock.advance(2 * DAY_MS);
  }
  await assertComesBack(await world.open(), young);
  assert.ok((await verifyRepository(await world.open())).ok);
  await purge(repository, young);
  for (let i = 0; i < 3; i += 1) {
    await applyPrune(repository);
    clock.advance(2 * DAY_MS);
  }
  assert.equal(await storedBytes(world), 0);
});

test('what prune and reencrypt copy stays a difference', async () => {
  const random = seededRandom('delta copy');
  const { world, old, young } = await pair(random);
  const { repository, clock, storage } = world;
  const deltas = await countDeltas(repository);
  const before = await storedBytes(world);
  const spare = rawCredential();
  await repository.rotateEpoch({ credentials: [{ credential: spare, label: 'new' }] });
  clock.advance(1000);
  const renewed = await world.open({ credentials: [spare] });
  await reencrypt(renewed);
  for (let i = 0; i < 3; i += 1) {
    clock.advance(2 * DAY_MS);
    await applyPrune(renewed);
  }
  const again = await world.open({ credentials: [spare] });
  assert.equal(await countDeltas(again), deltas);
  assert.ok((await storedBytes(world)) < before * 1.05);
  for (const one of [old, young]) await assertComesBack(again, one);
  assert.ok((await verifyRepository(again)).ok);
  assert.ok(storage);
});

test('damage to a base is reported once, with everything that hangs on it', async () => {
  const random = seededRandom('delta damage');
  const { world, old, young } = await pair(random);
  const { full } = await packsByKind(world.repository);
  assert.equal(full.length, 1);
  const bytes = Buffer.from(await world.storage.get(full[0]!));
  bytes[2000]! ^= 1;
  await overwrite(world.storage, full[0]!, bytes);
  const report = await verifyRepository(await world.open());
  assert.deepEqual(
    report.damaged.map(({ name }) => name),
    full,
    'the pack with the differences is whole',
  );
  assert.deepEqual(report.affected.map(({ id }) => id).sort(), [old.manifest.id, young.manifest.id].sort());
  const error = await restoreBackup(await world.open(), young.manifest).catch((thrown: unknown) => thrown);
  assert.equal(codeOf(error), 'object_damaged');
  assert.ok((error as Error).message.includes(full[0]!), (error as Error).message);
});

test('a missing base makes its differences missing, and the next backup stores them anew', async () => {
  const random = seededRandom('delta missing');
  const { world, young } = await pair(random);
  const { full } = await packsByKind(world.repository);
  await world.storage.remove(full[0]!);
  const repository = await world.open();
  const error = await restoreBackup(repository, young.manifest).catch((thrown: unknown) => thrown);
  assert.equal(codeOf(error), 'chunk_missing');
  const report = await verifyRepository(repository);
  assert.ok(!report.ok);
  assert.ok(report.affected.some(({ id }) => id === young.manifest.id));
  const healed = await generation(world, young.bytes, young.manifest);
  await assertComesBack(await world.open(), healed);
  await assertComesBack(await world.open(), young);
});

test('a base that is damaged when a backup reads it is not built on', async () => {
  const random = seededRandom('delta on damage');
  const world = await repositoryWorld();
  const old = await generation(world, random.bytes(20 * CHUNK_BYTES));
  const [pack] = (await packsByKind(world.repository)).full;
  const bytes = Buffer.from(await world.storage.get(pack!));
  for (let at = 200; at < bytes.length - 2000; at += 500) bytes[at]! ^= 1;
  await overwrite(world.storage, pack!, bytes);
  const young = await generation(world, edited(old.bytes, random, 200), old.manifest);
  assert.equal(await countDeltas(world.repository), 0);
  await assert.rejects(restoreBackup(await world.open(), old.manifest));
  const { streams } = await restoreBackup(await world.open(), young.manifest).catch(() => ({ streams: {} }));
  const whole = (streams as { db?: Buffer }).db;
  assert.ok(whole === undefined || whole.equals(young.bytes), 'never wrong bytes');
});
