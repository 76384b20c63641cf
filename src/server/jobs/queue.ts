import { HoldfastError } from '../../engine/index.ts';
import { listPage } from '../catalog/pages.ts';
import type { Catalog } from '../catalog/types.ts';
import { catalogTime } from './catalog-time.ts';
import type { Delivery } from './delivery.ts';
import { embeddedDelivery } from './embedded-delivery.ts';
import { enqueueIn } from './enqueue.ts';
import { endIn } from './finish.ts';
import { openHints } from './hints.ts';
import { eventOf, jobOf } from './job-rows.ts';
import { startWorker } from './job-worker.ts';
import { takeBackLost } from './maintenance.ts';
import { type DeliveryOptions, pgBossDelivery } from './pg-boss-delivery.ts';
import type { Job, JobError, JobEvent, JobFilter, JobQueue, Page, PageRequest } from './port.ts';
import type { QueueParts } from './queue-parts.ts';
import { QUEUE_DEFAULTS, type QueueOptions } from './settings.ts';
import { watchJob } from './watch.ts';

/** The queue of a catalog: embedded on SQLite, pg-boss on PostgreSQL. The caller ends with `close`, before the catalog. */
export async function openQueue(catalog: Catalog, given: QueueOptions = {}): Promise<JobQueue> {
  const options = { ...QUEUE_DEFAULTS, ...given };
  const time = await catalogTime(catalog);
  const hints = openHints(catalog);
  const delivery = await deliveryOf(catalog, { ...options, nowMs: time.nowMs }).catch(
    async (error: unknown) => {
      time.stop();
      await hints.close();
      throw error;
    },
  );
  let closed = false;
  const parts: QueueParts = {
    ...{ catalog, options, hints, delivery },
    nowMs: time.nowMs,
    isClosed: () => closed,
    onEnded: options.onEnded,
  };
  return {
    async enqueue(request, trx) {
      await delivery.prepare(request.label ?? null);
      if (trx) return enqueueIn(trx, request, parts);
      return catalog.transaction((own) => enqueueIn(own, request, parts));
    },
    get: (id) => getJob(catalog, id),
    list: (filter, page) => listJobs(catalog, filter, page),
    events: (id, afterSeq) => eventsOf(catalog, id, afterSeq),
    cancel: (id) => cancel(id, parts),
    watch: (id, { afterSeq = 0, signal }) => watchJob(parts, id, afterSeq, signal),
    onChange: (listener) =>
      hints.listen((hint) => {
        if (hint.type !== 'due') listener(hint.type === 'job' ? hint.id : null);
      }),
    work: (work) => startWorker(parts, work),
    async maintain() {
      await delivery.redeliver(time.nowMs());
      return takeBackLost(catalog, time.nowMs(), parts);
    },
    async close() {
      closed = true;
      time.stop();
      await delivery.close();
      await hints.close();
    },
  };
}

async function deliveryOf(catalog: Catalog, options: DeliveryOptions): Promise<Delivery> {
  if (catalog.dialect === 'sqlite') return embeddedDelivery(catalog, options.nowMs);
  const delivery = await pgBossDelivery(catalog, options);
  await delivery.prepare(null);
  return delivery;
}

async function getJob({ db }: Catalog, id: string): Promise<Job | null> {
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? jobOf(row) : null;
}

async function listJobs({ db }: Catalog, filter: JobFilter, page: PageRequest): Promise<Page<Job>> {
  let query = db
    .selectFrom('jobs')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (page.after !== null) query = query.where('id', '<', page.after);
  if (filter.tenantId === null) query = query.where('tenant_id', 'is', null);
  else if (filter.tenantId !== undefined) query = query.where('tenant_id', '=', filter.tenantId);
  if (filter.planId !== undefined) query = query.where('plan_id', '=', filter.planId);
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  return listPage((await query.execute()).map(jobOf), page.limit, ({ id }) => id);
}

async function eventsOf({ db }: Catalog, id: string, afterSeq: number): Promise<JobEvent[]> {
  const rows = await db
    .selectFrom('job_events')
    .selectAll()
    .where('job_id', '=', id)
    .where('seq', '>', afterSeq)
    .orderBy('seq')
    .execute();
  return rows.map(eventOf);
}

const CANCELLED: JobError = {
  code: 'interrupted',
  message: 'it was cancelled before it began',
  next: 'start it again if it is wanted after all',
};

async function cancel(id: string, parts: QueueParts): Promise<'cancelled' | 'requested' | 'ended'> {
  const { catalog, hints, nowMs } = parts;
  return catalog.exclusive('claims', async (trx) => {
    const job = await trx.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
    if (!job) throw new HoldfastError('job_unknown', `there is no job ${id}`);
    if (job.finished_at !== null) return 'ended';
    const atMs = nowMs();
    if (job.cancel_requested_at === null) {
      await trx.updateTable('jobs').set({ cancel_requested_at: atMs }).where('id', '=', id).execute();
    }
    if (job.status === 'queued') {
      await endIn(trx, job, CANCELLED, atMs, parts);
      return 'cancelled';
    }
    await hints.send({ type: 'job', id }, trx);
    return 'requested';
  });
}
