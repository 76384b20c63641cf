/** Reliability 2: whatever was not synced is lost with the power; what was acknowledged is not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf, HoldfastError } from '../../src/engine/base/errors.ts';
import type { Credential } from '../../src/engine/crypto/key-text.ts';
import { newSigningKey, type SigningKey } from '../../src/engine/crypto/signing.ts';
import { createRepository, openRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { FileOperations } from '../../src/engine/storage/file-operations.ts';
import { openLocalStorage } from '../../src/engine/storage/local-storage.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { makeBackup, restoreBackup } from '../support/backup-fixture.ts';
import { count } from '../support/counts.ts';
import {
  afterPowerLoss,
  type FileEvent,
  type RecordedFiles,
  recordedFiles,
} from '../support/recorded-files.ts';
import { rawCredential } from '../support/repository-world.ts';
import { randomFrom, type SeededRandom, seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const STORE = 'store';

interface Keys {
  readonly credential: Credential;
  readonly signingKey: SigningKey;
}

/** A backup that was acknowledged after so many events. */
interface Acknowledged {
  readonly id: string;
  readonly at: number;
}

interface History extends Keys {
  readonly events: readonly FileEvent[];
  readonly acknowledged: readonly Acknowledged[];
}

const newKeys = (): Keys => ({ credential: rawCredential(), signingKey: newSigningKey() });

const openKeys = ({ credential, signingKey }: Keys, storage: Storage): Promise<Repository> =>
  openRepository({ storage, credentials: [credential], signingKey });

async function storageOn(root: string, files: FileOperations): Promise<Storage> {
  return openLocalStorage({ folder: join(root, STORE), fileSystem: files });
}

const fixtureOf = (random: SeededRandom, shared: Buffer) => ({
  streams: { shared, own: random.bytes(3000) },
  trees: { uploads: { 'a/one': random.bytes(700), two: random.bytes(100) } },
});

/** A repository is made; backups are made, archived, brought back. */
async function history(t: TestContext, random: SeededRandom): Promise<History> {
  const root = await temporaryFolder(t);
  const { files, events } = recordedFiles(root);
  const keys = newKeys();
  const storage = await storageOn(root, files);
  const repository = await createRepository({ storage, ...keys });
  const acknowledged: Acknowledged[] = [];
  const shared = random.bytes(5000);
  const back = async () => {
    const { id } = await makeBackup(repository, fixtureOf(random, shared));
    acknowledged.push({ id, at: events.length });
    return id;
  };
  const first = await back();
  const second = await back();
  await repository.manifests.archive((await repository.manifests.resolve(first)).ref);
  await back();
  await repository.manifests.restore((await repository.manifests.resolve(first, ['archived'])).ref);
  await repository.manifests.archive((await repository.manifests.resolve(second)).ref);
  await back();
  return { ...keys, events, acknowledged };
}

/** What a power loss after `end` events did to what had been acknowledged; empty when nothing. */
async function losses(
  { events, acknowledged, ...keys }: History,
  end: number,
  random: SeededRandom,
): Promise<string[]> {
  const storage = memoryStorage();
  for (const [path, bytes] of afterPowerLoss(events, end, random)) {
    const name = path.slice(STORE.length + 1);
    if (!name.startsWith('.tmp/')) await storage.put(name, bytes);
  }
  const safe = acknowledged.filter(({ at }) => at <= end);
  if (safe.length === 0) return [];
  try {
    const repository = await openKeys(keys, storage);
    const { affected, damaged, rejected } = await verifyRepository(repository);
    const lost = [...affected.map(({ id }) => id), ...[...damaged, ...rejected].map(String)];
    for (const { id } of safe) {
      const { manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
      await restoreBackup(repository, manifest);
    }
    return lost;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [`${codeOf(error)}: ${error.message}`];
  }
}

test('no acknowledged backup is lost, whichever unsynced writes are', async (t) => {
  const random = seededRandom('power loss');
  const past = await history(t, random);
  for (let state = 0; state < count(50, 2000); state += 1) {
    const end = past.acknowledged[0]!.at + random.int(past.events.length - past.acknowledged[0]!.at + 1);
    const seed = random.int(2 ** 31);
    assert.deepEqual(await losses(past, end, randomFrom(seed)), [], `after event ${end}, seed ${seed}`);
  }
});

/** Kills whoever uses it once it did enough: from then on nothing happens any more. */
function killedAfter(
  { files, events }: RecordedFiles,
  isEnough: (done: readonly FileEvent[]) => boolean,
): FileOperations {
  const from = events.length;
  const guarded = (work: (...given: never[]) => Promise<unknown>) =>
    (async (...given: never[]) => {
      if (isEnough(events.slice(from))) throw new Error('killed');
      return work(...given);
    }) as never;
  return {
    ...files,
    ...{ open: guarded(files.open as never), write: guarded(files.write), sync: guarded(files.sync) },
    ...{ link: guarded(files.link), rename: guarded(files.rename), unlink: guarded(files.unlink) },
    mkdir: guarded(files.mkdir),
  };
}

/** A run that is killed, and one after it that is acknowledged. */
async function afterKilledRun(
  t: TestContext,
  isEnough: (done: readonly FileEvent[]) => boolean,
  change: (files: FileOperations) => FileOperations = (files) => files,
): Promise<History & { readonly isWhole: boolean }> {
  const root = await temporaryFolder(t);
  const recorded = recordedFiles(root);
  const keys = newKeys();
  const streams = { shared: randomFrom(1).bytes(3000) };
  await createRepository({ storage: await storageOn(root, recorded.files), ...keys });
  const run = async (files: FileOperations) =>
    makeBackup(await openKeys(keys, await storageOn(root, files)), { streams });
  const isWhole = await run(killedAfter(recorded, isEnough)).then(
    () => true,
    () => false,
  );
  const { id } = await run(change(recorded.files));
  const acknowledged = [{ id, at: recorded.events.length }];
  return { ...keys, events: recorded.events, acknowledged, isWhole };
}

test('nor one that was made after a run that was killed', async (t) => {
  const random = seededRandom('power loss after a kill');
  for (let at = 1 + random.int(count(12, 1)); ; at += count(12, 1)) {
    const past = await afterKilledRun(t, ({ length }) => length >= at);
    for (let state = 0; state < count(5, 20); state += 1) {
      const seed = random.int(2 ** 31);
      const lost = await losses(past, past.events.length, randomFrom(seed));
      assert.deepEqual(lost, [], `killed at operation ${at}, seed ${seed}`);
    }
    if (past.isWhole) break;
  }
});

const hasPack = (done: readonly FileEvent[]) =>
  done.some(({ kind, path }) => kind === 'link' && path.startsWith(`${STORE}/packs/`));

/** A run that does not see what others left unfinished. */
const unaware = (files: FileOperations): FileOperations => ({
  ...files,
  opendir: (async (path: string) => {
    if (path.endsWith('.tmp')) throw new Error('hidden');
    return files.opendir(path);
  }) as never,
});

test('negative control: a run that takes over packs of a killed one unasked loses them', async (t) => {
  const random = seededRandom('power loss, packs taken over');
  const past = await afterKilledRun(t, hasPack, unaware);
  for (let state = 0; state < 50; state += 1) {
    if ((await losses(past, past.events.length, random)).length > 0) return;
  }
  assert.fail('50 power losses left no trace');
});

const CARELESS = {
  'folders are not synced': ({ path }: FileEvent) => !path.includes('.tmp/'),
  'files are not synced': ({ path }: FileEvent) => path.includes('.tmp/'),
} as const;

for (const [what, isLeftOut] of Object.entries(CARELESS)) {
  test(`negative control: where ${what}, backups are lost`, async (t) => {
    const random = seededRandom(`power loss, ${what}`);
    const past = await history(t, random);
    const events = past.events.map((event) =>
      event.kind === 'sync' && isLeftOut(event) ? ({ ...event, failed: true } as const) : event,
    );
    for (let state = 0; state < 50; state += 1) {
      if ((await losses({ ...past, events }, events.length, random)).length > 0) return;
    }
    assert.fail('50 power losses left no trace');
  });
}
