/** Packs looked at in threads: what is sound is proven there, and for whatever is not the report is that of the main thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stageClock } from '../../src/engine/base/stage-times.ts';
import { HEADER_BYTES } from '../../src/engine/crypto/object-header.ts';
import type { ListedPack } from '../../src/engine/repository/index-object.ts';
import { packName } from '../../src/engine/repository/object-names.ts';
import { PACK_CAPACITY, packBuilder } from '../../src/engine/repository/pack-builder.ts';
import { packProvers } from '../../src/engine/repository/pack-provers.ts';
import { scanPacks } from '../../src/engine/repository/scan-packs.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import { countDeltas, edited, makeBackup } from '../support/backup-fixture.ts';
import { overwrite, repositoryWorld } from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';

const CHUNK_BYTES = 16 * 1024;
/** So many differences make a pack that has memory of its own. */
const CHUNKS = 600;

/** Two backups, the second of differences for the most part. */
async function twoBackups() {
  const random = seededRandom('threaded verify');
  const world = await repositoryWorld();
  const { repository, clock } = world;
  const old = random.bytes(CHUNKS * CHUNK_BYTES);
  const hooks = { chunkBytes: CHUNK_BYTES };
  const previous = await makeBackup(repository, { streams: { db: old } }, hooks);
  clock.advance(1000);
  await makeBackup(repository, { streams: { db: edited(old, random, CHUNKS) } }, { ...hooks, previous });
  assert.ok((await countDeltas(repository)) > CHUNKS / 4);
  const packs: ListedPack[] = [];
  for await (const pack of scanPacks(repository)) packs.push(pack);
  return { ...world, random, packs };
}

type World = Awaited<ReturnType<typeof twoBackups>>;

const flippedAt = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

/** A pack that is whole in every way, but that one chunk is not what its id says. */
function forgedPack({ repository: { keys }, random }: World) {
  const { epoch, repositoryId } = keys;
  const builder = packBuilder({ epoch, repositoryId, masterKey: keys.masterKey(epoch), clock: stageClock() });
  const memory = Buffer.alloc(PACK_CAPACITY);
  builder.lend(0, memory);
  builder.add(random.bytes(32), random.bytes(CHUNK_BYTES));
  const { pack, sizeBytes, table } = builder.finish()!;
  return { pack, table: Buffer.from(table), bytes: Buffer.from(memory.subarray(0, sizeBytes)) };
}

test('a thread proves what is sound, and nothing else', async (t) => {
  const world = await twoBackups();
  const { storage, packs, repository, random } = world;
  const provers = packProvers(repository.keys, { count: 2, fromBytes: 0 });
  t.after(() => provers.close());
  const prove = async (pack: ListedPack, bytes: Buffer) => (await provers.prove({ ...pack, bytes })).isProven;
  for (const pack of packs) {
    const bytes = await storage.get(packName(pack.pack));
    const { length } = bytes;
    const proof = await provers.prove({ ...pack, bytes: Buffer.from(bytes) });
    assert.equal(proof.isProven, true);
    assert.deepEqual(proof.bytes, bytes, 'they come back as they were');
    for (const at of [0, HEADER_BYTES - 1, HEADER_BYTES + random.int(length - HEADER_BYTES), length - 1]) {
      assert.equal(await prove(pack, flippedAt(bytes, at)), false, `byte ${at} of ${length}`);
    }
    const other = packs.find((one) => one !== pack)!;
    assert.equal(await prove({ ...pack, table: other.table }, Buffer.from(bytes)), false, 'another table');
    assert.equal(await prove({ ...pack, pack: other.pack }, Buffer.from(bytes)), false, 'another name');
  }
  const { bytes, ...forged } = forgedPack(world);
  assert.equal(await prove({ ...forged, sizeBytes: bytes.length }, bytes), false, 'a chunk of another id');
});

test('bytes that were lost with a thread are missing, and those it never got are not', async () => {
  const { storage, packs, repository } = await twoBackups();
  const [pack] = packs;
  const bytes = await storage.get(packName(pack!.pack));
  const without = packProvers(repository.keys, { count: 0, fromBytes: 0 });
  assert.deepEqual(await without.prove({ ...pack!, bytes }), { bytes, isProven: false });
  const provers = packProvers(repository.keys, { count: 1, fromBytes: 0 });
  const proving = provers.prove({ ...pack!, bytes });
  provers.close();
  assert.deepEqual(await proving, { bytes: null, isProven: false });
});

test('the report is the same with threads and without, whatever is damaged', async () => {
  const { storage, packs, open } = await twoBackups();
  const reports = async () => {
    const repository = await open();
    return [
      await verifyRepository(repository, { threadsFromBytes: 0 }),
      await verifyRepository(repository, { threadsFromBytes: Number.POSITIVE_INFINITY }),
    ] as const;
  };
  const [sound, soundWithout] = await reports();
  assert.equal(sound.ok, true);
  assert.deepEqual(sound, soundWithout);
  for (const { pack } of packs) {
    const name = packName(pack);
    const right = Buffer.from(await storage.get(name));
    await overwrite(storage, name, flippedAt(right, HEADER_BYTES + 40));
    const [damaged, damagedWithout] = await reports();
    assert.deepEqual(
      damaged.damaged.map((one) => one.name),
      [name],
    );
    assert.ok(damaged.affected.length > 0);
    assert.deepEqual(damaged, damagedWithout);
    await overwrite(storage, name, right);
  }
});
