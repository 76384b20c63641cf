/** Many plans due in the same minute, on a catalog with a long history: how the queue drains, and who waits for how long. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { listDocuments, writeDocument } from '../../src/server/configuration/documents.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { requestBackup } from '../../src/server/runs/request-backup.ts';
import { openSchedule } from '../../src/server/schedule/schedule.ts';
import { quantile } from './pages.ts';

const CONCURRENCY = 4;
const WORK_MS = 5;
/** Half of the plans are those of one tenant, the rest of others with ten each. */
const SMALL = 10;

export interface DrainFigures {
  readonly plans: number;
  readonly tenants: number;
  readonly concurrency: number;
  readonly workMs: number;
  /** From the first tick of the schedule to the end of the last job. */
  readonly seconds: number;
  /** From a job's creation to its first step, over all of them. */
  readonly waitP50Ms: number;
  readonly waitP95Ms: number;
  /** The mean wait of the tenant with half of the plans, and the longest mean of any other. */
  readonly bigTenantMeanMs: number;
  readonly worstSmallTenantMeanMs: number;
  /** By then every tenant had had at least one run, as a share of the drain. */
  readonly everyTenantServedAfter: number;
  /** Jobs that ran more or less than once. */
  readonly wrong: number;
  /** A run that a person asked for in the middle of it: the wait until its first step. */
  readonly personWaitMs: number;
  readonly peakRssBytes: number;
}

/** The service of the same catalog may run beside it. */
export async function measureDrain(
  catalog: Catalog,
  plans: number,
  signal: AbortSignal,
): Promise<DrainFigures> {
  const slotMs = catalog.clock.nowMs() - 1000;
  await makePlans(catalog, plans, slotMs);
  const queue = await openQueue(catalog);
  const failed: unknown[] = [];
  const schedule = openSchedule({ catalog, queue, onError: (error) => failed.push(error) });
  const begins = new Map<string, number[]>();
  let peakRssBytes = 0;
  const startedAtMs = performance.now();
  const worker = queue.work({
    concurrency: CONCURRENCY,
    async handle(job) {
      begins.set(job.id, [...(begins.get(job.id) ?? []), catalog.clock.nowMs()]);
      peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
      await sleep(WORK_MS);
      return { status: 'succeeded', result: { backups: [] } };
    },
  });
  try {
    const ticking = schedule.tick();
    await until(() => begins.size >= plans / 2, failed, signal);
    const asked = await askForOne(catalog, queue);
    await ticking;
    await until(() => begins.size >= plans + 1, failed, signal);
    await worker.stop({ drain: true });
    const seconds = (performance.now() - startedAtMs) / 1000;
    const jobs = await jobsSince(catalog, slotMs);
    return { ...(await figuresOf(jobs, begins, asked)), plans, seconds, peakRssBytes };
  } finally {
    await worker.stop();
    await queue.close();
  }
}

async function until(isSo: () => boolean, failed: readonly unknown[], signal: AbortSignal): Promise<void> {
  while (!isSo()) {
    signal.throwIfAborted();
    if (failed.length > 0) throw failed[0];
    await sleep(5);
  }
}

/** The last plan of the big tenant may still be waiting; a person's request for the first, which ran, makes a new job. */
async function askForOne(catalog: Catalog, queue: Awaited<ReturnType<typeof openQueue>>): Promise<string> {
  const [plan] = (await listDocuments(catalog.db, 'plan')).filter(({ name }) => name === 'asked-for');
  const { job } = await catalog.transaction((trx) =>
    requestBackup(trx, queue, {
      ...{
        plan: plan!,
        part: null,
        type: null,
        via: 'cli',
        requestedBy: 'bench',
        atMs: catalog.clock.nowMs(),
      },
    }),
  );
  return job.id;
}

type Waiting = { readonly id: string; readonly tenant_id: string | null; readonly created_at: number };

function jobsSince({ db }: Catalog, sinceMs: number): Promise<Waiting[]> {
  return db
    .selectFrom('jobs')
    .select(['id', 'tenant_id', 'created_at'])
    .where('id', '>', idAt(sinceMs))
    .where('created_at', '>=', sinceMs)
    .execute();
}

const idAt = (ms: number) => {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
};

async function figuresOf(
  jobs: readonly Waiting[],
  begins: ReadonlyMap<string, readonly number[]>,
  askedId: string,
): Promise<Omit<DrainFigures, 'plans' | 'seconds' | 'peakRssBytes'>> {
  const beganAt = (job: Waiting) => begins.get(job.id)?.[0] ?? Number.NaN;
  const scheduled = jobs.filter(({ id }) => id !== askedId);
  const firstMs = Math.min(...scheduled.map(({ created_at }) => created_at));
  const lastMs = Math.max(...scheduled.map(beganAt));
  const waits = (of: readonly Waiting[]) => of.map((job) => beganAt(job) - job.created_at);
  const tenants = Map.groupBy(scheduled, ({ tenant_id }) => tenant_id ?? 'none');
  const means = [...tenants].map(([tenant, of]) => [tenant, mean(waits(of))] as const);
  const served = [...tenants.values()].map((of) => Math.min(...of.map(beganAt)));
  const sorted = waits(scheduled).toSorted((a, b) => a - b);
  const asked = jobs.find(({ id }) => id === askedId)!;
  return {
    ...{ tenants: tenants.size, concurrency: CONCURRENCY, workMs: WORK_MS },
    ...{ waitP50Ms: quantile(sorted, 0.5), waitP95Ms: quantile(sorted, 0.95) },
    bigTenantMeanMs: means.find(([tenant]) => tenant === 'big')?.[1] ?? 0,
    worstSmallTenantMeanMs: Math.max(...means.filter(([tenant]) => tenant !== 'big').map(([, ms]) => ms)),
    everyTenantServedAfter: (Math.max(...served) - firstMs) / Math.max(1, lastMs - firstMs),
    wrong: jobs.filter(({ id }) => begins.get(id)?.length !== 1).length,
    personWaitMs: beganAt(asked) - asked.created_at,
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** As `writeDocument` leaves them; a thousand times its check of all names would be the longest part. */
async function makePlans(catalog: Catalog, plans: number, slotMs: number): Promise<void> {
  const atMs = slotMs - 1000;
  const author = { origin: 'file' as const, name: null, atMs };
  const tenantOf = (i: number) => (i < plans / 2 ? 'big' : `small-${Math.floor((i - plans / 2) / SMALL)}`);
  const kept = { version: 1, origin: 'file' as const, created_at: atMs, updated_at: atMs, updated_by: null };
  const document = (kind: 'plan' | 'source', i: number, name: string, body: object) => ({
    ...{
      id: `0190${kind === 'plan' ? 'aaaa' : 'bbbb'}-0000-7000-8000-${String(i).padStart(12, '0')}`,
      kind,
      name,
    },
    ...{ tenant_id: i < plans ? tenantOf(i) : null, body: JSON.stringify(body), deleted_at: null, ...kept },
  });
  const planOf = (i: number, name: string) =>
    document('plan', i, name, {
      ...{
        sources: [`app-${i}`],
        destination: 'main',
        tenantId: i < plans ? tenantOf(i) : null,
        type: 'full',
      },
      ...{ retention: {}, schedule: '0 3 1 3 *' },
    });
  const all = Array.from({ length: plans + 1 }, (_, i) => i);
  await catalog.transaction(async (trx) => {
    const main = { kind: 'destination' as const, name: 'main', body: { address: '/b' }, replaces: null };
    await writeDocument(trx, main, author);
    for (let from = 0; from < all.length; from += 500) {
      const some = all.slice(from, from + 500);
      const sources = some.map((i) =>
        document('source', i, `app-${i}`, { kind: 'sqlite', path: `/srv/${i}.db` }),
      );
      await trx.insertInto('documents').values(sources).execute();
      const rows = some.map((i) => planOf(i, i < plans ? `due-${i}` : 'asked-for'));
      await trx.insertInto('documents').values(rows).execute();
      const entries = rows.slice(0, plans - from).map(({ id }) => ({
        ...{ plan_id: id, part: '', cron: '0 3 1 3 *', time_zone: 'UTC', jitter_ms: 0, enabled: 1 },
        ...{ next_slot_at: slotMs, next_due_at: slotMs, last_slot_at: null },
      }));
      if (entries.length > 0) await trx.insertInto('schedule_entries').values(entries).execute();
    }
  });
}
