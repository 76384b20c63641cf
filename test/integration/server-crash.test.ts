import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Job } from '../../src/server/jobs/port.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { rebuildCatalog } from '../../src/server/worker/rebuild-catalog.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { count } from '../support/counts.ts';
import {
  createRan,
  type JobProcessOptions,
  killProcess,
  loggingHandler,
  readLog,
  startJobProcess,
  wrongCounts,
} from '../support/job-process.ts';
import { startCluster } from '../support/postgres-cluster.ts';
import { runnerWorld } from '../support/runner-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

/** Long: a busy machine is not to lose leases of its own accord, and where one is to end, a test ends it. */
const LEASE_MS = 120_000;
/** For those who wait until it has run out. */
const SHORT_LEASE_MS = 3000;
const FOR_EVER_MS = 600_000;

/** A catalog, a log, and processes on them that do not outlive the test. */
async function crashWorld(place: Pick<CatalogPlace, 'address'>, t: TestContext, leaseMs = LEASE_MS) {
  const address = await place.address(t);
  const log = join(await temporaryFolder(t), 'log');
  writeFileSync(log, '');
  const catalog = await openCatalog(address, { connections: 5 });
  await createRan(catalog);
  const queue = await openQueue(catalog, { leaseMs, pollMs: 200 });
  t.after(async () => {
    await queue.close();
    await catalog.close();
  });
  const start = async (options: Omit<JobProcessOptions, 'address' | 'log' | 'leaseMs'>) => {
    const child = await startJobProcess({ address, log, leaseMs, ...options });
    t.after(() => killProcess(child));
    return child;
  };
  const enqueue = async (count: number) => {
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1) {
      ids.push((await queue.enqueue({ kind: 'custom', payload: i })).job.id);
    }
    return ids;
  };
  const allEnded = (ids: readonly string[]) =>
    untilTrue(async () => {
      const jobs = await Promise.all(ids.map((id) => queue.get(id)));
      return jobs.every((job) => job?.finishedAtMs) ? (jobs as Job[]) : null;
    });
  return { address, log, catalog, queue, start, enqueue, allEnded };
}

/** As if time had passed: what runs belongs to nobody alive, and is given to others. */
async function endLeases({ catalog, queue }: Pick<Parts, 'catalog' | 'queue'>): Promise<void> {
  await catalog.db.updateTable('jobs').set({ lease_until: 1 }).where('status', '=', 'running').execute();
  assert.notDeepEqual(await queue.maintain(), []);
}

type Parts = Awaited<ReturnType<typeof crashWorld>>;

onEachCatalog('killed', (place) => {
  test('a worker killed in the middle of a job loses it to another, and nobody else is disturbed', async (t) => {
    const world = await crashWorld(place, t, SHORT_LEASE_MS);
    const first = await world.start({ concurrency: 1, workMs: FOR_EVER_MS });
    const [id] = await world.enqueue(1);
    await untilTrue(async () => readLog(world.log).length === 1);
    await world.start({ concurrency: 1, workMs: 10 });
    const others = await world.enqueue(3);
    await world.allEnded(others);
    const killedAtMs = Date.now();
    await killProcess(first);
    const [job] = await world.allEnded([id!]);
    t.diagnostic(
      `taken over ${job!.startedAtMs! - killedAtMs} ms after the kill, the lease is ${SHORT_LEASE_MS} ms`,
    );
    assert.equal(job!.status, 'succeeded');
    assert.deepEqual(await wrongCounts(world.catalog, [id!, ...others]), []);
    const begins = readLog(world.log).filter(({ what, jobId }) => what === 'begin' && jobId === id);
    // Two; three where the machine is so busy that a lease as short as this one runs out under a worker at work.
    assert.ok(job!.attempt === 2 || job!.attempt === 3, `${job!.attempt} attempts`);
    assert.deepEqual(
      begins.map(({ attempt }) => attempt),
      [1, 2, 3].slice(0, job!.attempt),
    );
  });

  test('a server killed with jobs running and waiting goes on after a restart, each job to its end once', async (t) => {
    const world = await crashWorld(place, t);
    const server = await world.start({ schedule: true, concurrency: 2, workMs: 400 });
    const ids = await world.enqueue(8);
    await untilTrue(async () => readLog(world.log).filter(({ what }) => what === 'end').length >= 3);
    await killProcess(server);
    await endLeases(world);
    await world.start({ schedule: true, concurrency: 2, workMs: 20 });
    const jobs = await world.allEnded(ids);
    assert.deepEqual([...new Set(jobs.map(({ status }) => status))], ['succeeded']);
    assert.deepEqual(await wrongCounts(world.catalog, ids), []);
  });

  test('a worker killed in the middle of a backup: another makes it, once, and nothing half is left', async (t) => {
    const world = await runnerWorld(place, t);
    // The first time it has no end, but that nobody reads any more; then it is short.
    const command = 'test -e begun && exec echo whole; touch begun; while echo half; do sleep 0.02; done';
    await world.write('source', 'slow', {
      kind: 'command',
      command: `cd ${world.folder}; ${command}`,
      artifactName: 'out',
    });
    await world.write('plan', 'slow', { sources: ['slow'], destination: 'main' });
    const { address, folder, environment } = world;
    const options = { address, log: '', leaseMs: LEASE_MS, concurrency: 1, place: { folder, environment } };
    const first = await startJobProcess(options);
    t.after(() => killProcess(first));
    const { id } = await world.ask('slow');
    await untilTrue(async () => (await readdir(folder)).includes('begun'));
    await killProcess(first);
    await endLeases(world);
    const second = await startJobProcess(options);
    t.after(() => killProcess(second));
    const job = await world.ended(id);
    assert.deepEqual([job.status, job.attempt], ['succeeded', 2]);
    const backups = await world.catalog.db.selectFrom('backups').select(['id', 'size_bytes']).execute();
    assert.deepEqual(
      backups.map(({ size_bytes }) => size_bytes),
      ['whole\n'.length],
    );
    const [found] = await rebuildCatalog(world, {
      signal: new AbortController().signal,
      destinations: ['main'],
    });
    assert.deepEqual([found?.backups, found?.archived, found?.gone], [1, 0, 0]);
  });

  // On SQLite a program that sleeps inside a transaction holds the file, whatever anybody does.
  if (place.dialect === 'postgres') sleeping(place);

  test('the count of runs finds jobs that are run by two (negative control)', async (t) => {
    const world = await crashWorld(place, t);
    const ids = await world.enqueue(4);
    const handle = loggingHandler(world.log, 5);
    // Workers that take what is due without claiming it.
    const careless = async () => {
      const due = await world.catalog.db
        .selectFrom('jobs')
        .select('id')
        .where('status', '=', 'queued')
        .execute();
      for (const { id } of due) {
        const context = { signal: new AbortController().signal, report() {}, warn() {} };
        const outcome = await handle((await world.queue.get(id))!, context);
        await world.catalog.transaction(async (trx) => outcome.record!(trx));
      }
    };
    await Promise.all([careless(), careless()]);
    assert.deepEqual(await wrongCounts(world.catalog, ids), ids);
  });
});

function sleeping(place: CatalogPlace): void {
  test('a worker that slept past its lease writes nothing when it wakes', async (t) => {
    const world = await crashWorld(place, t);
    // Long enough to be stopped amid it on any machine; the time goes on while it sleeps.
    const sleeper = await world.start({ concurrency: 1, workMs: 3000 });
    for (let round = 0; round < count(1, 20); round += 1) {
      const [id] = await world.enqueue(1);
      await untilTrue(async () => readLog(world.log).some(({ jobId }) => jobId === id));
      sleeper.kill('SIGSTOP');
      await endLeases(world);
      const other = await world.start({ concurrency: 1, workMs: 5 });
      const [job] = await world.allEnded([id!]);
      await killProcess(other);
      sleeper.kill('SIGCONT');
      // It shows by the next job that it is awake, and through with the one it lost.
      const [next] = await world.enqueue(1);
      await world.allEnded([next!]);
      assert.deepEqual([job!.status, job!.attempt], ['succeeded', 2]);
      assert.deepEqual(await world.queue.get(id!), job);
      assert.deepEqual(await wrongCounts(world.catalog, [id!, next!]), []);
    }
  });
}

describe('killed PostgreSQL', () => {
  test('a database that crashes under running jobs loses none, and none is run to its end twice', async (t) => {
    // What is committed must survive, as it does with any server that is not set up for tests.
    const cluster = await startCluster({ settings: { synchronous_commit: 'on', full_page_writes: 'on' } });
    t.after(() => cluster.stop());
    const world = await crashWorld(
      { address: async () => ({ url: await cluster.createDatabase('crash') }) },
      t,
      SHORT_LEASE_MS,
    );
    await world.start({ schedule: true, concurrency: 3, workMs: 150 });
    await world.start({ concurrency: 3, workMs: 150 });
    const ids = await world.enqueue(40);
    for (const done of [8, 20]) {
      await untilTrue(async () => readLog(world.log).filter(({ what }) => what === 'end').length >= done);
      await cluster.crash();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await cluster.start();
    }
    const jobs = await world.allEnded(ids);
    assert.deepEqual([...new Set(jobs.map(({ status }) => status))], ['succeeded']);
    assert.deepEqual(await wrongCounts(world.catalog, ids), []);
    const begins = readLog(world.log).filter(({ what }) => what === 'begin').length;
    t.diagnostic(`${begins} runs were begun for 40 jobs over two crashes`);
  });
});
