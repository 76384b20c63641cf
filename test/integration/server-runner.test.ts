import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { signingKeyFromPem } from '../../src/engine/crypto/signing.ts';
import { openRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { openStorage } from '../../src/engine/storage/open-storage.ts';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { storedConfig, writeDocument } from '../../src/server/configuration/documents.ts';
import type { BackupResult } from '../../src/server/worker/port.ts';
import { rebuildCatalog } from '../../src/server/worker/rebuild-catalog.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { type RunnerWorld, runnerWorld } from '../support/runner-world.ts';
import { untilTrue } from '../support/until-true.ts';

const backupsIn = ({ db }: Catalog) => db.selectFrom('backups').selectAll().orderBy('id').execute();
const copiesIn = ({ db }: Catalog) =>
  db.selectFrom('backup_copies').selectAll().orderBy('backup_id').orderBy('destination_id').execute();
/** How things ended; that a run began is told besides. */
const eventsIn = async ({ db }: Catalog) => {
  const rows = await db.selectFrom('events').select('kind').orderBy('id').execute();
  return rows.map(({ kind }) => kind).filter((kind) => kind !== 'backup_started');
};
const idsOf = (result: unknown) => (result as BackupResult).backups.map(({ backupId }) => backupId);

onEachCatalog('runner', (place) => {
  wholeRun(place);
  // The rest is the same code on both, and the engine's part takes its time.
  if (place.dialect === 'postgres') return;
  parts(place);
  failures(place);
  upkeep(place);
});

function wholeRun(place: CatalogPlace): void {
  test('a run of a plan becomes a backup with copies at every destination, and retention follows', async (t) => {
    const world = await runnerWorld(place, t);
    await world.write('plan', 'nightly', {
      sources: ['app', 'uploads'],
      destinations: ['main', 'offsite'],
      tenantId: 'acme',
    });
    world.work();
    const job = await world.run('nightly');
    assert.deepEqual([job.status, job.error], ['succeeded', null]);
    const [id] = idsOf(job.result);
    const [backup, ...others] = await backupsIn(world.catalog);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [backup?.id, backup?.plan, backup?.tenant_id, backup?.status, backup?.job_id],
      [id, 'nightly', 'acme', 'succeeded', job.id],
    );
    const artifacts = JSON.parse(backup!.artifacts!) as { name: string; source: string; sizeBytes: number }[];
    assert.deepEqual(
      artifacts.map(({ name, source }) => [name, source]),
      [
        ['app.db', 'app'],
        ['uploads', 'uploads'],
      ],
    );
    assert.equal(
      backup?.size_bytes,
      artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
    assert.deepEqual(
      (await copiesIn(world.catalog)).map(({ state }) => state),
      ['present', 'present'],
    );
    assert.deepEqual(
      (await world.settled('rotate')).map(({ status }) => status),
      ['succeeded'],
    );
    assert.deepEqual(
      (await world.settled('prune')).map(({ status }) => status),
      ['succeeded', 'succeeded'],
    );
    const phases = (await world.queue.events(job.id, 0)).filter(({ kind }) => kind === 'phase');
    assert.ok(phases.some(({ data }) => data.phase === 'commit'));
    assert.deepEqual((await eventsIn(world.catalog))[0], 'backup_completed');
  });

  test('a run that is cancelled stops in the middle, and leaves neither a backup nor a command', async (t) => {
    const world = await runnerWorld(place, t);
    const command = `echo begun > ${world.folder}/begun; exec sleep 600`;
    await world.write('source', 'slow', { kind: 'command', command, artifactName: 'out' });
    await world.write('plan', 'slow', { sources: ['slow'], destination: 'main' });
    world.work();
    const { id } = await world.ask('slow');
    await untilTrue(async () => (await readdir(world.folder)).includes('begun'));
    assert.equal(await world.queue.cancel(id), 'requested');
    const job = await world.ended(id);
    assert.deepEqual([job.status, job.error?.message], ['interrupted', 'it was cancelled']);
    assert.deepEqual(await backupsIn(world.catalog), []);
    assert.deepEqual(await eventsIn(world.catalog), ['backup_interrupted']);
  });
}

function parts(place: CatalogPlace): void {
  test('a database with its own hour is a backup of its own, kept for its own time', async (t) => {
    const world = await runnerWorld(place, t);
    const databases = { app: { hour: 2, retentionDays: 30 } };
    await world.write('plan', 'whole', { sources: ['app', 'uploads'], destination: 'main', databases });
    world.work();
    const part = await world.run('whole', 'app');
    const all = await world.run('whole');
    const backups = await backupsIn(world.catalog);
    assert.deepEqual(
      backups.map(({ id, plan, part: of, artifacts }) => [id, plan, of, JSON.parse(artifacts!).length]),
      [
        [idsOf(part.result)[0], 'whole', 'app', 1],
        [idsOf(all.result)[0], 'whole', null, 2],
      ],
    );
  });

  test('sources that are separated make a backup of their own at destinations of their own', async (t) => {
    const world = await runnerWorld(place, t);
    const separate = { uploads: ['offsite'] };
    await world.write('plan', 'apart', { sources: ['app', 'uploads'], destination: 'main', separate });
    world.work();
    const { result } = await world.run('apart');
    assert.deepEqual(
      (result as BackupResult).backups.map(({ sources, destination }) => [sources, destination]),
      [
        [['app'], 'main'],
        [['uploads'], 'offsite'],
      ],
    );
    assert.equal((await copiesIn(world.catalog)).length, 2);
    // Copies that are made good later keep apart what a run keeps apart.
    const { job } = await world.queue.enqueue({ kind: 'replicate', payload: { plan: 'apart' } });
    assert.equal((await world.ended(job.id)).status, 'succeeded');
    for (const [at, artifacts] of [
      ['main', ['app.db']],
      ['offsite', ['uploads']],
    ] as const) {
      assert.deepEqual(await artifactsAt(world, at), artifacts, at);
    }
  });

  test('a destination in both lists of a plan carries neither kind on to the places of the other', async (t) => {
    const world = await runnerWorld(place, t);
    const separate = { uploads: ['main', 'offsite'] };
    await world.write('plan', 'shared', { sources: ['app', 'uploads'], destination: 'main', separate });
    world.work();
    assert.equal((await world.run('shared')).status, 'succeeded');
    assert.equal((await world.run('shared')).status, 'succeeded');
    const { job } = await world.queue.enqueue({ kind: 'replicate', payload: { plan: 'shared' } });
    assert.equal((await world.ended(job.id)).status, 'succeeded');
    assert.deepEqual(await artifactsAt(world, 'offsite'), ['uploads', 'uploads']);
  });
}

function failures(place: CatalogPlace): void {
  test('a destination that is down leaves a backup without that copy, which is made good later', async (t) => {
    const world = await runnerWorld(place, t);
    await world.write('plan', 'nightly', { sources: ['app'], destinations: ['main', 'offsite'] });
    world.work();
    await rename(join(world.folder, 'offsite'), join(world.folder, 'unplugged'));
    const job = await world.run('nightly');
    assert.deepEqual([job.status, job.error?.code], ['failed', 'copy_missing']);
    assert.match(job.error!.message, /offsite/);
    assert.deepEqual(
      (await backupsIn(world.catalog)).map(({ id }) => id),
      idsOf(job.result),
    );
    const states = async () => (await copiesIn(world.catalog)).map(({ state }) => state).toSorted();
    assert.deepEqual(await states(), ['failed', 'present']);
    assert.deepEqual((await eventsIn(world.catalog))[0], 'copy_missing');
    await rename(join(world.folder, 'unplugged'), join(world.folder, 'offsite'));
    const [owed] = (await world.queue.list({ kind: 'replicate' }, { limit: 9, after: null })).items;
    assert.ok(owed!.runAfterMs > Date.now());
    const now = await world.queue.enqueue({ kind: 'replicate', payload: { plan: 'nightly' } });
    assert.equal((await world.ended(now.job.id)).status, 'succeeded');
    assert.deepEqual(await states(), ['present', 'present']);
  });

  test('another backup under the id of a copy fails the job that makes copies good', async (t) => {
    const world = await runnerWorld(place, t);
    await world.write('plan', 'nightly', { sources: ['app'], destinations: ['main', 'offsite'] });
    world.work();
    const [main, offsite] = [await repositoryAt(world, 'main'), await repositoryAt(world, 'offsite')];
    const [id] = idsOf((await world.run('nightly')).result);
    const { ref, manifest } = await offsite.manifests.resolve(id!);
    await offsite.manifests.archive(ref);
    await offsite.manifests.purge((await offsite.manifests.resolve(id!, ['archived'])).ref);
    const { version: _, repositoryId: __, artifacts, ...rest } = manifest;
    const other = artifacts.map((artifact) => ({ ...artifact, sizeBytes: artifact.sizeBytes + 1 }));
    await offsite.manifests.commit({ ...rest, artifacts: other }, []);
    const { job } = await world.queue.enqueue({ kind: 'replicate', payload: { plan: 'nightly' } });
    const { status, error } = await world.ended(job.id);
    assert.deepEqual([status, error?.code], ['failed', 'backup_conflict']);
    assert.match(error!.message, new RegExp(`backup ${id} is another one here`));
    for (const { storage } of [main, offsite]) await storage.close();
  });

  test('no space is a skip, a missing source a failure; neither leaves a backup', async (t) => {
    const world = await runnerWorld(place, t);
    await world.write('destination', 'small', { address: 'main', minimumFreeBytes: 1e15 });
    await world.write('source', 'gone', { kind: 'sqlite', path: 'gone.db' });
    await world.write('plan', 'full-disk', { sources: ['app'], destination: 'small' });
    await world.write('plan', 'no-source', { sources: ['gone'], destination: 'main' });
    world.work();
    const skipped = await world.run('full-disk');
    const failed = await world.run('no-source');
    assert.deepEqual([skipped.status, skipped.error?.code], ['skipped', 'space_low']);
    assert.deepEqual([failed.status, failed.error?.code, failed.attempt], ['failed', 'source_missing', 1]);
    assert.deepEqual(await backupsIn(world.catalog), []);
    assert.deepEqual(await eventsIn(world.catalog), ['backup_skipped', 'backup_failed']);
  });
}

function upkeep(place: CatalogPlace): void {
  test('what retention archives is archived in the catalog too', async (t) => {
    const world = await runnerWorld(place, t);
    await world.write('plan', 'short', {
      sources: ['app'],
      destinations: ['main', 'offsite'],
      retention: { keepLast: 1 },
    });
    world.work();
    const first = await world.run('short');
    await world.settled('rotate');
    const second = await world.run('short');
    await world.settled('rotate');
    const backups = await backupsIn(world.catalog);
    assert.deepEqual(
      backups.map(({ id, archived_at }) => [id, archived_at !== null]),
      [
        [idsOf(first.result)[0], true],
        [idsOf(second.result)[0], false],
      ],
    );
    assert.deepEqual(
      (await copiesIn(world.catalog)).map(({ state }) => state),
      ['archived', 'archived', 'present', 'present'],
    );
  });

  test('a verify marks what it found good, and names the copy that is not', async (t) => {
    const world = await runnerWorld(place, t);
    await world.write('plan', 'nightly', { sources: ['app'], destinations: ['main', 'offsite'] });
    world.work();
    await world.run('nightly');
    await world.settled('prune');
    const verify = async () => {
      const payload = { plan: 'nightly', destination: null, backupId: null, share: 1, heal: false };
      return world.ended((await world.queue.enqueue({ kind: 'verify', payload })).job.id);
    };
    assert.equal((await verify()).status, 'succeeded');
    assert.deepEqual(
      (await copiesIn(world.catalog)).map(({ verified_good }) => verified_good),
      [1, 1],
    );
    await damagePack(join(world.folder, 'offsite'));
    const job = await verify();
    assert.deepEqual(
      [job.status, job.error?.code, job.error?.message],
      ['failed', 'verify_failed', 'offsite: damaged'],
    );
    assert.deepEqual(
      (await copiesIn(world.catalog)).map(({ verified_good }) => verified_good).toSorted(),
      [0, 1],
    );
    assert.ok((await eventsIn(world.catalog)).includes('verify_failed'));
  });

  test('a catalog that was lost comes back from the configuration and the destinations', async (t) => {
    const world = await runnerWorld(place, t);
    const { catalog, workplace } = world;
    await world.write('plan', 'nightly', {
      sources: ['app', 'uploads'],
      destinations: ['main', 'offsite'],
      retention: { keepLast: 2 },
    });
    world.work();
    for (let i = 0; i < 3; i += 1) {
      await world.run('nightly');
      await world.settled('rotate');
    }
    const config = await storedConfig(catalog.db);
    const fresh = await openCatalog(await place.address(t));
    t.after(() => fresh.close());
    const author = { origin: 'file' as const, name: null, atMs: Date.now() };
    await fresh.transaction(async (trx) => {
      for (const kind of ['destination', 'source', 'plan'] as const) {
        for (const [name, body] of Object.entries(config[`${kind}s`])) {
          await writeDocument(trx, { kind, name, body, replaces: null }, author);
        }
      }
    });
    const signal = new AbortController().signal;
    const rebuilt = await rebuildCatalog({ catalog: fresh, workplace }, { signal });
    assert.deepEqual(
      rebuilt.map(({ destination, backups, archived, gone, failure }) => [
        destination,
        backups,
        archived,
        gone,
        failure,
      ]),
      [
        ['main', 2, 1, 0, null],
        ['offsite', 2, 1, 0, null],
      ],
    );
    assert.deepEqual(await essence(fresh), await essence(catalog));
    await rm(join(world.folder, 'offsite'), { recursive: true });
    const again = await rebuildCatalog({ catalog: fresh, workplace }, { signal });
    assert.deepEqual(
      again.map(({ failure }) => failure === null),
      [true, false],
    );
    assert.deepEqual(await essence(fresh), await essence(catalog));
  });
}

async function repositoryAt({ folder, environment }: RunnerWorld, name: string): Promise<Repository> {
  const storage = await openStorage(join(folder, name));
  const pem = await readFile(join(environment.HOLDFAST_HOME!, 'signing-key.pem'), 'utf8').catch(() => null);
  return openRepository({
    storage,
    credentials: [parseKeyText(environment.BACKUP_ENCRYPTION_KEY!)],
    signingKey: pem === null ? null : signingKeyFromPem(pem),
  });
}

/** Names, of every backup there. */
async function artifactsAt(world: RunnerWorld, name: string): Promise<string[]> {
  const repository = await repositoryAt(world, name);
  const found: string[] = [];
  for await (const { manifest } of repository.manifests.readAll()) {
    found.push(...manifest.artifacts.map((artifact) => artifact.name));
  }
  await repository.storage.close();
  return found;
}

/** What a rebuilt catalog must know as well as the lost one. */
async function essence(catalog: Catalog) {
  const destinations = await catalog.db.selectFrom('documents').select(['id', 'name']).execute();
  const nameOf = (id: string) => destinations.find((one) => one.id === id)?.name;
  const backups = await backupsIn(catalog);
  const copies = await copiesIn(catalog);
  return {
    backups: backups.map(({ id, plan, part, type, status, size_bytes, artifacts, archived_at }) => ({
      ...{ id, plan, part, type, status, size_bytes, artifacts },
      isArchived: archived_at !== null,
    })),
    copies: copies
      .map(({ backup_id, destination_id, state }) => `${backup_id} ${nameOf(destination_id)} ${state}`)
      .toSorted(),
  };
}

async function damagePack(repository: string): Promise<void> {
  const names = await readdir(repository, { recursive: true });
  const pack = names.find((name) => /^packs?\/.*[0-9a-f]{64}$/.test(name));
  await rm(join(repository, pack!));
  await writeFile(join(repository, pack!), 'not what was here');
}
