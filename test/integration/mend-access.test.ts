/** What opens a repository is lost or damaged: it is written anew from what is left here and what a copy knows, or it is said what to do. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import { mendAccess } from '../../src/engine/repository/mend-access.ts';
import { openRepository } from '../../src/engine/repository/repository.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { copyStorage } from '../support/copy-storage.ts';
import {
  namesOf,
  overwrite,
  type RepositoryWorld,
  rawCredential,
  repositoryWorld,
} from '../support/repository-world.ts';

const OLD = Buffer.from('under the first epoch '.repeat(500));
const NEW = Buffer.from('under the second epoch '.repeat(500));

/** Two epochs, each with a backup. */
let world: RepositoryWorld;
let kin: RepositoryWorld;
let stranger: RepositoryWorld;
const second = rawCredential();

before(async () => {
  world = await repositoryWorld();
  await makeBackup(world.repository, { streams: { db: OLD } });
  await world.repository.rotateEpoch({ credentials: [{ credential: second, label: 'new' }] });
  world.clock.advance(60_000);
  await world.repository.signers.ensure(world.signingKey);
  await makeBackup(world.repository, { streams: { db: NEW } });
  kin = await repositoryWorld({ like: world.repository.chunkSecrets() });
  stranger = await repositoryWorld();
});

const both = () => [second, world.credential];

const mend = (storage: Storage, from: readonly RepositoryWorld[], credentials = both()) =>
  mendAccess({
    ...{ storage, credentials, clock: world.clock },
    kin: from.map(({ repository }) => repository.chunkSecrets()),
  });

/** Opens with the newest key alone, verifies to the last byte, and gives both backups. */
async function assertWhole(storage: Storage, what: string): Promise<void> {
  const { clock } = world;
  const repository = await openRepository({
    storage,
    credentials: [second],
    signingKey: newSigningKey(),
    clock,
  });
  assert.equal(repository.keys.writable, true, what);
  const report = await verifyRepository(repository);
  assert.deepEqual(report.damaged, [], what);
  assert.deepEqual(report.rejected, [], what);
  const found: Buffer[] = [];
  for await (const { manifest } of repository.manifests.readAll()) {
    found.push((await restoreBackup(repository, manifest)).streams.db!);
  }
  assert.deepEqual(found, [NEW, OLD], what);
}

const HOW = {
  lost: (storage: Storage, name: string) => storage.remove(name),
  flipped: async (storage: Storage, name: string) => {
    const bytes = await storage.get(name);
    bytes[bytes.length - 3]! ^= 4;
    await overwrite(storage, name, bytes);
  },
  cut: async (storage: Storage, name: string) =>
    overwrite(storage, name, (await storage.get(name)).subarray(0, 20)),
};

test('config and keyrings, lost or damaged, alone and together, come back as they were', async () => {
  const keyrings = ['keyrings/00000001', 'keyrings/00000002'];
  for (const [how, harm] of Object.entries(HOW)) {
    for (const names of [['config'], [keyrings[0]!], [keyrings[1]!], keyrings, ['config', ...keyrings]]) {
      const storage = await copyStorage(world.storage, world.clock);
      for (const name of names) await harm(storage, name);
      const what = `${how}: ${names.join(', ')}`;
      await assert.rejects(assertWhole(storage, what), `${what}: the control`);
      assert.deepEqual((await mend(storage, [stranger, kin])).sort(), names.toSorted(), what);
      await assertWhole(storage, what);
      assert.deepEqual(await storage.get('config'), await world.storage.get('config'), what);
      assert.deepEqual(await mend(storage, []), [], `${what}: nothing is left to do`);
    }
  }
});

test('nothing is written where nothing proves it: no copy of its secret, no key, no slot, a rotation cut short', async () => {
  const refused = async (
    names: readonly string[],
    error: object,
    from: readonly RepositoryWorld[],
    keys = both(),
  ) => {
    const storage = await copyStorage(world.storage, world.clock);
    for (const name of names) await storage.remove(name);
    const left = await namesOf(storage);
    await assert.rejects(mend(storage, from, keys), error);
    assert.deepEqual(await namesOf(storage), left);
  };
  const all = ['keyrings/00000001', 'keyrings/00000002'];
  const unproven = {
    code: 'object_damaged',
    message: /no other copy has its chunk secret/,
    next: /recovery kit/,
  };
  await refused(all, unproven, [stranger]);
  await refused(all, unproven, []);
  await refused(
    ['config'],
    { code: 'key_wrong', message: /it needs key [0-9a-f]{16} \(new\)/ },
    [kin],
    [rawCredential()],
  );
  await refused(all, { code: 'key_wrong', message: /takes the older key/ }, [kin], [second]);
  const slots = await namesOf(world.storage, 'keys/');
  await refused(slots, { code: 'object_missing', next: /holdfast replicate/ }, [kin]);

  // Slots come before the keyring: without it and anything under it, the epoch never began.
  const storage = await copyStorage(world.storage, world.clock);
  await storage.remove('keyrings/00000002');
  for (const folder of ['backups/', 'index/', 'packs/']) {
    for (const name of await namesOf(storage, folder)) {
      if ((await storage.get(name)).readUInt32LE(8) === 2) await storage.remove(name);
    }
  }
  assert.deepEqual(await mend(storage, [kin]), []);
});
