/**
 * What every process of the service stands on: catalog, queue, schedule, and the worker that runs jobs. `holdfast serve` opens it
 * with schedule and worker, `holdfast worker` with a worker alone.
 */
import type { Clock } from '../engine/index.ts';
import { type CatalogAddress, openCatalog } from './catalog/catalog.ts';
import type { Catalog } from './catalog/types.ts';
import { settingValues } from './configuration/settings.ts';
import { redact } from './http/redact.ts';
import type { JobHandler, JobKind, JobQueue, JobWorker, WorkOptions } from './jobs/port.ts';
import { openQueue } from './jobs/queue.ts';
import type { QueueOptions } from './jobs/settings.ts';
import { openCatalogLedger } from './ledger/catalog-ledger.ts';
import { type JobRecorder, jobRecorder } from './ledger/job-records.ts';
import type { Schedule } from './schedule/port.ts';
import { openSchedule } from './schedule/schedule.ts';
import { recordEnd } from './worker/job-ended.ts';
import type { Workplace } from './worker/port.ts';
import { openRunner } from './worker/runner.ts';

export interface CoreOptions {
  readonly address: CatalogAddress;
  readonly workplace: Workplace;
  readonly clock?: Clock;
  /** Trouble that is lived with, such as a catalog that does not answer for a while. */
  readonly onError: (error: unknown) => void;
  readonly queue?: Omit<QueueOptions, 'onError' | 'limit'>;
  /** Where this machine's keys of the ledger are: what jobs do is recorded. Absent for no ledger. */
  readonly ledgerKeys?: string;
}

export interface Core {
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  /** Not started. */
  readonly schedule: Schedule;
  /** Begins to take jobs. `others` does kinds that the runner does not know. */
  work(options: Omit<WorkOptions, 'handle'>, others?: { readonly [K in JobKind]?: JobHandler }): JobWorker;
  /** Stops schedule and workers, which give their jobs back unless they are drained, and closes the catalog. Idempotent. */
  close(options?: { readonly drain?: boolean }): Promise<void>;
}

/** Throws what `openCatalog` throws. The caller ends with `close`. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { address, workplace, clock, onError } = options;
  const catalog = await openCatalog(address, clock ? { clock } : {});
  const given = options.queue ?? {};
  const ledger = options.ledgerKeys ? openCatalogLedger(catalog, { keyFolder: options.ledgerKeys }) : null;
  const recorder = ledger && jobRecorder(ledger, onError, redact);
  const queue = await openQueue(catalog, {
    ...given,
    onError,
    limit: async () => (await settingValues(catalog.db, null))['runs.limit'],
    async onEnded(trx, job) {
      await recordEnd(trx, job);
      await given.onEnded?.(trx, job);
      // Last: from here to the end of the transaction nobody else appends.
      await recorder?.jobEnded(trx, job);
    },
  }).catch(async (error: unknown) => {
    await catalog.close();
    throw error;
  });
  const schedule = openSchedule({ catalog, queue, onError });
  const workers: JobWorker[] = [];
  const ledgerHead = ledger ? { ledgerHead: () => ledger.headText().catch(() => null) } : {};
  const parts = { catalog, queue, workplace, ...ledgerHead };
  const end = async (drain: boolean) => {
    await schedule.stop();
    await Promise.all(workers.map((worker) => worker.stop({ drain })));
    await queue.close();
    await catalog.close();
  };
  let ended: Promise<void> | null = null;
  return {
    ...{ catalog, queue, schedule },
    work(work, others = {}) {
      const worker = queue.work({ ...work, handle: openRunner(parts, recorded(others, recorder)) });
      workers.push(worker);
      return worker;
    },
    close({ drain = false } = {}) {
      ended ??= end(drain);
      return ended;
    },
  };
}

/** A restore reads backup data: it does not begin unless that is recorded. */
function recorded(
  others: { readonly [K in JobKind]?: JobHandler },
  recorder: JobRecorder | null,
): { readonly [K in JobKind]?: JobHandler } {
  const { restore } = others;
  if (!recorder || !restore) return others;
  return {
    ...others,
    async restore(job, context) {
      await recorder.jobBegins(job);
      return restore(job, context);
    },
  };
}
