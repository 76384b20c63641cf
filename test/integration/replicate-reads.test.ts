/** Replicating reads what is new, not what it read before: requests counted at both ends, and what makes it read again. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import type { RepositoryPlace } from '../../src/engine/operations/copy-place.ts';
import { type AmongRequest, replicateAmong } from '../../src/engine/operations/replicate-among.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { makeBackup } from '../support/backup-fixture.ts';
import { copyBetween, participant, placeOf } from '../support/copy-world.ts';
import { count } from '../support/counts.ts';
import { namesOf, overwrite, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Counted {
  readonly storage: Storage;
  /** Reads of manifests and of anything else since the last time this was asked. */
  taken(): { readonly manifests: number; readonly others: number };
}

function counted(storage: Storage): Counted {
  let now = { manifests: 0, others: 0 };
  const get: Storage['get'] = (name, ...given) => {
    now[/^(backups|archived)\//.test(name) ? 'manifests' : 'others'] += 1;
    return storage.get(name, ...given);
  };
  return {
    storage: { ...storage, get },
    taken() {
      const before = now;
      now = { manifests: 0, others: 0 };
      return before;
    },
  };
}

/** Below 52, which is what retention keeps of versions unless told. */
const BACKUPS = count(12, 50);

/** Two places with so many backups at the first, and what each run reads of manifests at either end. */
async function scene(t: TestContext) {
  const stateFolder = await temporaryFolder(t);
  const [main, offsite] = [await repositoryWorld(), await repositoryWorld()];
  const make = async () => {
    main.clock.advance(60_000);
    offsite.clock.advance(60_000);
    return makeBackup(main.repository, { streams: { db: Buffer.from(`${main.clock.nowMs()}`) } });
  };
  for (let i = 0; i < BACKUPS; i += 1) await make();
  const [there, here] = [counted(main.storage), counted(offsite.storage)];
  const place = async (world: RepositoryWorld, { storage }: Counted, remembers: boolean) => {
    const opened = await placeOf(world, storage);
    return remembers ? ({ ...opened, stateFolder } satisfies RepositoryPlace) : opened;
  };
  const run = async (request: Partial<AmongRequest> = {}, remembers = true) => {
    const from = await place(main, there, remembers);
    const to = await place(offsite, here, remembers);
    // What opening them took.
    for (const one of [there, here]) one.taken();
    const { copied, failures } = await copyBetween(from, to, request);
    assert.deepEqual(failures, []);
    const taken = [there.taken(), here.taken()] as const;
    const others = taken[0].others + taken[1].others;
    return { copied: copied.length, others, reads: [taken[0].manifests, taken[1].manifests] as const };
  };
  return { main, offsite, make, run, stateFolder };
}

test('a run reads the manifests that are new, however many there are', async (t) => {
  const { make, run } = await scene(t);
  const first = await run();
  assert.equal(first.copied, BACKUPS);
  // What was just copied is looked at once more by the next run, and then known.
  await run();
  const nothing = await run();
  assert.deepEqual([nothing.copied, nothing.reads], [0, [0, 0]]);
  assert.ok(nothing.others <= 4, `${nothing.others} reads of other objects`);
  await make();
  const one = await run();
  assert.equal(one.copied, 1);
  assert.ok(one.reads[0] + one.reads[1] <= 6, `${one.reads} reads for one backup`);
  const before = await run({}, false);
  t.diagnostic(
    `${BACKUPS} backups: ${before.reads} reads without memory, ${nothing.reads} with it, ${one.reads} for a new one`,
  );
  assert.deepEqual(
    before.reads,
    [BACKUPS + 1, BACKUPS + 1],
    'the control: whoever remembers nothing reads all',
  );
  assert.deepEqual((await run({ readsManifests: true })).reads, [BACKUPS + 1, BACKUPS + 1]);
});

test('what is another object since, or was held against other signers, is read again', async (t) => {
  const { main, offsite, run, stateFolder } = await scene(t);
  await run();
  await run();
  assert.deepEqual((await run()).reads, [0, 0]);

  // A name is not enough: junk of the same size in the place of a manifest is no backup, and its loss is noticed.
  const [name] = await namesOf(offsite.storage, 'backups/');
  const bytes = await offsite.storage.get(name!);
  offsite.clock.advance(1000);
  await overwrite(offsite.storage, name!, Buffer.alloc(bytes.length));
  await assert.rejects(run(), /object_exists|object_damaged/);
  await overwrite(offsite.storage, name!, bytes);
  assert.equal((await run()).reads[1], 1);

  await main.repository.signers.ensure(newSigningKey());
  assert.equal((await run()).reads[0], BACKUPS);

  for (const file of await readdir(stateFolder)) {
    const text = await readFile(join(stateFolder, file), 'utf8');
    await writeFile(join(stateFolder, file), text.slice(0, -9));
  }
  assert.deepEqual((await run()).reads, [BACKUPS, BACKUPS]);
  assert.deepEqual((await run()).reads, [0, 0]);
});

test('bundles are opened once; whose keys are passphrases remembers nothing of them', async (t) => {
  const stateFolder = await temporaryFolder(t);
  const main = await repositoryWorld();
  for (let i = 0; i < 3; i += 1) {
    main.clock.advance(60_000);
    await makeBackup(main.repository, { streams: { db: Buffer.from(`${i}`) } });
  }
  const from = await placeOf(main);
  const target = memoryStorage();
  let opened = 0;
  const storage: Storage = {
    ...target,
    open(...given) {
      opened += 1;
      return target.open(...given);
    },
  };
  const { signingKey, progress, signal, clock, credentials } = from;
  const staged = () => assert.fail('nothing is to be read back');
  const to = {
    layout: 'bundles',
    encryption: 'aes-256-gcm',
    storage,
    signingKey,
    progress,
    signal,
    clock,
    staged,
    stateFolder,
  } as const;
  const run = async (given: typeof credentials) => {
    opened = 0;
    const rules = () => ({});
    const sources = [participant('main', from)];
    const [outcome] = await replicateAmong(
      sources,
      [{ name: 'bundles', place: { ...to, credentials: given }, rulesOf: rules }],
      { dryRun: false },
    );
    return [outcome!.copied.length, outcome!.missing.length];
  };
  assert.deepEqual(await run(credentials), [3, 0]);
  await run(credentials);
  assert.deepEqual([await run(credentials), opened], [[0, 0], 0]);
  const passphrase = { kind: 'passphrase', passphrase: 'a long passphrase of nobody' } as const;
  await run([...credentials, passphrase]);
  assert.ok(opened >= 3, 'the control');
});
