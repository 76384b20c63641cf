import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBackup } from '../../../test/support/backup-fixture.ts';
import { namesOf, overwrite, repositoryWorld } from '../../../test/support/repository-world.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import type { Storage } from '../storage/port.ts';
import { packOfName } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { type ScanOptions, scanPacks } from './scan-packs.ts';

async function world() {
  const random = seededRandom('scan packs');
  const made = await repositoryWorld();
  for (let i = 0; i < 3; i += 1) {
    await makeBackup(made.repository, { streams: { a: random.bytes(500) } });
    made.clock.advance(1000);
  }
  const packs = (await namesOf(made.storage, 'packs/')).map((name) => packOfName(name)!);
  return { ...made, packs };
}

async function scanned(context: RepositoryContext, options: ScanOptions = {}): Promise<string[]> {
  const packs: string[] = [];
  for await (const { pack } of scanPacks(context, options)) packs.push(pack);
  return packs.sort();
}

test('packs are found with and without index, once, though several objects list them', async () => {
  const { repository, storage, packs } = await world();
  assert.deepEqual(await scanned(repository), packs);
  const [name] = await namesOf(storage, 'index/');
  const bytes = await storage.get(name!);
  bytes[bytes.length - 1]! ^= 1;
  await overwrite(storage, name!, bytes);
  const damaged: string[] = [];
  const unlisted: string[] = [];
  const options = {
    onDamage: (found: string) => damaged.push(found),
    onUnlisted: (pack: string) => unlisted.push(pack),
  };
  assert.deepEqual(await scanned(repository, options), packs);
  assert.deepEqual([damaged, unlisted.length], [[name], 1]);
  for (const index of await namesOf(storage, 'index/')) await storage.remove(index);
  assert.deepEqual(await scanned(repository), packs);
});

test('a listed pack that is gone is told, one that was cut comes with a warning', async () => {
  const { repository, storage, packs } = await world();
  const [gone, cut] = await namesOf(storage, 'packs/');
  await storage.remove(gone!);
  await overwrite(storage, cut!, (await storage.get(cut!)).subarray(0, 200));
  const missing: string[] = [];
  const wrong: string[] = [];
  const skip = (pack: string, wrongSize: boolean) => {
    if (wrongSize) wrong.push(pack);
    return wrongSize;
  };
  assert.deepEqual(
    await scanned(repository, { skip, onMissing: (pack) => missing.push(pack) }),
    packs.slice(2),
  );
  assert.deepEqual([missing, wrong], [[packs[0]], [packs[1]]]);
});

test('an index object that is replaced while it is read costs nothing', async () => {
  const { repository, storage, packs } = await world();
  const [first] = await namesOf(storage, 'index/');
  const bytes = await storage.get(first!);
  let replaced = false;
  const moving: Storage = {
    ...storage,
    address: storage.address,
    async get(name, range) {
      if (name === first && !replaced) {
        replaced = true;
        await storage.remove(first);
      }
      return storage.get(name, range);
    },
  };
  const context = { ...repository, id: repository.id, keys: repository.keys, storage: moving };
  assert.deepEqual(await scanned(context), packs, 'found by its own table');
  assert.ok(bytes.length > 0 && replaced);
});
