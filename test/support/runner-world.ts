import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { workplaceOf } from '../../src/cli/workplace.ts';
import { generateKeyText } from '../../src/engine/index.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { requireDocument, writeDocument } from '../../src/server/configuration/documents.ts';
import type { Job, JobQueue } from '../../src/server/jobs/port.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { requestBackup } from '../../src/server/runs/request-backup.ts';
import { initDestination } from '../../src/server/worker/init-destination.ts';
import { recordEnd } from '../../src/server/worker/job-ended.ts';
import type { Workplace } from '../../src/server/worker/port.ts';
import { openRunner } from '../../src/server/worker/runner.ts';
import type { CatalogPlace } from './catalogs.ts';
import { fakeCli, fakeIo } from './fake-io.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { untilTrue } from './until-true.ts';

export interface RunnerWorld {
  readonly folder: string;
  readonly address: CatalogAddress;
  readonly environment: Readonly<Record<string, string>>;
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly workplace: Workplace;
  write(kind: 'source' | 'destination' | 'plan', name: string, body: object): Promise<void>;
  /** Asks for a run of a plan, as the API does, and waits for its end. */
  run(plan: string, part?: string): Promise<Job>;
  ask(plan: string, part?: string): Promise<Job>;
  ended(id: string): Promise<Job>;
  /** Waits until no job is queued or running that is due, and gives all of a kind. */
  settled(kind: Job['kind']): Promise<readonly Job[]>;
  work(labels?: readonly string[]): { stop(): Promise<void> };
}

/** A server and a worker with real destinations and sources: `app` (SQLite), `uploads` (files), `main` and `offsite` (folders). */
export async function runnerWorld(place: CatalogPlace, t: TestContext): Promise<RunnerWorld> {
  const folder = await temporaryFolder(t);
  const address = await place.address(t);
  const catalog = await openCatalog(address, { connections: 5 });
  const queue = await openQueue(catalog, {
    // No test in this process waits for its end, and a busy one renews it late.
    leaseMs: 120_000,
    pollMs: 100,
    retryFirstMs: 10,
    onEnded: recordEnd,
  });
  t.after(async () => {
    await queue.close();
    await catalog.close();
  });
  const environment = { HOLDFAST_HOME: join(folder, 'home'), BACKUP_ENCRYPTION_KEY: generateKeyText() };
  const workplace = workplaceOf(fakeCli(fakeIo({ folder, environment, nowMs: () => Date.now() })));
  const write: RunnerWorld['write'] = async (kind, name, body) => {
    const author = { origin: 'api' as const, name: null, atMs: Date.now() };
    await catalog.transaction((trx) => writeDocument(trx, { kind, name, body, replaces: null }, author));
  };
  await makeSources(folder);
  await write('source', 'app', { kind: 'sqlite', path: 'app.db' });
  await write('source', 'uploads', { kind: 'files', path: 'uploads' });
  for (const name of ['main', 'offsite']) {
    await write('destination', name, { address: name, minimumFreeBytes: 0 });
    await initDestination({ catalog, workplace }, name, new AbortController().signal);
  }
  const ended = (id: string) =>
    untilTrue(async () => {
      const job = await queue.get(id);
      return job?.finishedAtMs ? job : null;
    });
  const ask = async (name: string, part?: string) => {
    const plan = await requireDocument(catalog.db, 'plan', name);
    const asked = { plan, part: part ?? null, via: 'api' as const, requestedBy: 'op', atMs: Date.now() };
    return (await catalog.transaction((trx) => requestBackup(trx, queue, asked))).job;
  };
  return {
    ...{ folder, address, environment, catalog, queue, workplace, write, ended, ask },
    run: async (plan, part) => ended((await ask(plan, part)).id),
    async settled(kind) {
      await untilTrue(async () => {
        const { items } = await queue.list({}, { limit: 200, after: null });
        return items.every(
          ({ finishedAtMs, runAfterMs }) => finishedAtMs !== null || runAfterMs > Date.now() + 5000,
        );
      });
      return (await queue.list({ kind }, { limit: 200, after: null })).items;
    },
    work(labels = []) {
      const worker = queue.work({ handle: openRunner({ catalog, queue, workplace }), labels });
      t.after(() => worker.stop());
      return worker;
    },
  };
}

async function makeSources(folder: string): Promise<void> {
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a); insert into t values (1), (2), (3)');
  database.close();
  await mkdir(join(folder, 'uploads'));
  await writeFile(join(folder, 'uploads', 'one.txt'), 'one');
}
