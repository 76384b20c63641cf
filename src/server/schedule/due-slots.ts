import { type Selectable, sql } from 'kysely';
import { recordEvent } from '../catalog/events.ts';
import type { ScheduleEntriesTable } from '../catalog/tables/schedule.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { findDocumentById, type StoredDocument } from '../configuration/documents.ts';
import type { JobQueue } from '../jobs/port.ts';
import { requestBackup } from '../runs/request-backup.ts';
import { cronTimes } from './cron.ts';
import { dueAtMs } from './jitter.ts';

type Entry = Selectable<ScheduleEntriesTable>;

/** In one transaction; a thousand plans due in one minute do not hold others up. */
const AT_ONCE = 25;

/** A run that is this late is told to whoever cares: nobody was there to start it. */
export const MISSED_AFTER_MS = 5 * 60_000;

/** Enqueues every slot that is due, each by one server. Gives the jobs that this call enqueued. */
export async function enqueueDue(catalog: Catalog, queue: JobQueue, nowMs: number): Promise<string[]> {
  const enqueued: string[] = [];
  for (;;) {
    const due = await dueEntries(catalog.db, nowMs);
    if (due.length === 0) return enqueued;
    const jobs = await catalog.transaction(async (trx) => {
      const made: string[] = [];
      for (const entry of due) made.push(...(await takeSlot(trx, queue, entry, nowMs)));
      return made;
    });
    enqueued.push(...jobs);
  }
}

/** The next ones, in turn for each tenant, so that none whose plans are older has all of its jobs before others have one. */
async function dueEntries(db: CatalogDb, nowMs: number): Promise<Entry[]> {
  const { rows } = await sql<Entry>`
    select * from schedule_entries as taken where (taken.plan_id, taken.part) in (
      select due.plan_id, due.part from (
        select entry.plan_id, entry.part, entry.next_due_at, row_number() over (
          partition by coalesce(plan.tenant_id, '') order by entry.next_due_at, entry.plan_id, entry.part) as place
        from schedule_entries as entry left join documents as plan on plan.id = entry.plan_id
        where entry.enabled = 1 and entry.next_due_at <= ${nowMs}
      ) as due
      order by due.place, due.next_due_at, due.plan_id, due.part limit ${sql.lit(AT_ONCE)})
    order by taken.plan_id, taken.part`.execute(db);
  return rows;
}

async function takeSlot(trx: CatalogDb, queue: JobQueue, entry: Entry, nowMs: number): Promise<string[]> {
  const times = cronTimes(entry.cron, entry.time_zone);
  const firstMs = entry.next_slot_at!;
  // Several passed: one run, for the latest that is due.
  const slotMs = Math.max(firstMs, times.lastUntil(nowMs - entry.jitter_ms) ?? firstMs);
  if (!(await moveOn(trx, entry, slotMs, times.after(slotMs)))) return [];
  const plan = await findDocumentById<'plan'>(trx, entry.plan_id);
  if (!plan) return [];
  const { job, created } = await requestBackup(trx, queue, {
    plan,
    part: entry.part === '' ? null : entry.part,
    via: 'schedule',
    requestedBy: null,
    atMs: nowMs,
    slotAtMs: slotMs,
    idempotencyKey: `slot:${entry.plan_id}:${entry.part}:${slotMs}`,
  });
  await tellIfLate(trx, plan, entry, { firstMs, slotMs, nowMs });
  if (created) return [job.id];
  await recordEvent(trx, {
    kind: 'run_overlapped',
    atMs: nowMs,
    ...idsOf(plan),
    jobId: job.id,
    data: { part: entry.part || null, slotAtMs: slotMs, status: job.status },
    dedupeKey: `overlapped:${entry.plan_id}:${entry.part}:${slotMs}`,
  });
  return [];
}

/** False when another server took the slot. */
async function moveOn(trx: CatalogDb, entry: Entry, slotMs: number, nextMs: number | null): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('schedule_entries')
    .set({
      last_slot_at: slotMs,
      next_slot_at: nextMs,
      next_due_at: nextMs === null ? null : dueAtMs(entry.plan_id, entry.part, nextMs, entry.jitter_ms),
    })
    .where('plan_id', '=', entry.plan_id)
    .where('part', '=', entry.part)
    .where('next_slot_at', '=', entry.next_slot_at)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

const idsOf = ({ id, name, tenantId }: StoredDocument<'plan'>) => ({ tenantId, planId: id, plan: name });

async function tellIfLate(
  trx: CatalogDb,
  plan: StoredDocument<'plan'>,
  entry: Entry,
  { firstMs, slotMs, nowMs }: { firstMs: number; slotMs: number; nowMs: number },
): Promise<void> {
  const lateMs = nowMs - entry.next_due_at!;
  if (lateMs < MISSED_AFTER_MS) return;
  await recordEvent(trx, {
    kind: 'run_missed',
    atMs: nowMs,
    ...idsOf(plan),
    data: { part: entry.part || null, firstSlotAtMs: firstMs, caughtUpSlotAtMs: slotMs, lateMs },
    dedupeKey: `missed:${entry.plan_id}:${entry.part}:${slotMs}`,
  });
}
