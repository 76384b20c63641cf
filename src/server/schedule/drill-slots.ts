/** When plans are drilled: at times of their own, and after so many backups. */
import { type Selectable, sql } from 'kysely';
import { recordEvent } from '../catalog/events.ts';
import type { DrillEntriesTable } from '../catalog/tables/drills.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { findDocumentById } from '../configuration/documents.ts';
import type { JobQueue } from '../jobs/port.ts';
import { requestDrill } from '../runs/request-drill.ts';
import { cronTimes } from './cron.ts';
import { DRILL_PART as PART } from './drill-entries.ts';
import { dueAtMs } from './jitter.ts';

type Entry = Selectable<DrillEntriesTable>;

const AT_ONCE = 25;
/** As for backups: nobody was there to start it. */
const MISSED_AFTER_MS = 5 * 60_000;

/** Enqueues every drill that is due, each by one server. Gives the jobs that this call enqueued. */
export async function enqueueDueDrills(catalog: Catalog, queue: JobQueue, nowMs: number): Promise<string[]> {
  const enqueued: string[] = [];
  for (;;) {
    const due = await catalog.db
      .selectFrom('drill_entries')
      .selectAll()
      .where('enabled', '=', sql.lit(1))
      .where('next_due_at', '<=', nowMs)
      // In an order all servers agree on, or they would wait for each other's rows in a circle.
      .orderBy('next_due_at')
      .orderBy('plan_id')
      .limit(AT_ONCE)
      .execute();
    if (due.length === 0) return enqueued;
    await catalog.transaction(async (trx) => {
      for (const entry of due) enqueued.push(...(await takeSlot(trx, queue, entry, nowMs)));
    });
  }
}

async function takeSlot(trx: CatalogDb, queue: JobQueue, entry: Entry, nowMs: number): Promise<string[]> {
  const times = cronTimes(entry.cron!, entry.time_zone);
  const firstMs = entry.next_slot_at!;
  // Several passed: one drill, for the latest that is due.
  const slotMs = Math.max(firstMs, times.lastUntil(nowMs - entry.jitter_ms) ?? firstMs);
  const nextMs = times.after(slotMs);
  const { numUpdatedRows } = await trx
    .updateTable('drill_entries')
    .set({
      ...{ last_slot_at: slotMs, next_slot_at: nextMs },
      next_due_at: nextMs === null ? null : dueAtMs(entry.plan_id, PART, nextMs, entry.jitter_ms),
    })
    .where('plan_id', '=', entry.plan_id)
    .where('next_slot_at', '=', firstMs)
    .executeTakeFirst();
  // Another server took it.
  if (numUpdatedRows === 0n) return [];
  const plan = await findDocumentById<'plan'>(trx, entry.plan_id);
  if (!plan) return [];
  const { job, created } = await requestDrill(trx, queue, {
    ...{ plan, backup: null, checks: null, via: 'schedule', requestedBy: null, slotAtMs: slotMs },
    idempotencyKey: `drill-slot:${entry.plan_id}:${slotMs}`,
  });
  const about = { atMs: nowMs, tenantId: plan.tenantId, planId: plan.id, plan: plan.name };
  const lateMs = nowMs - entry.next_due_at!;
  if (lateMs >= MISSED_AFTER_MS) {
    await recordEvent(trx, {
      ...{ kind: 'run_missed', ...about, dedupeKey: `missed:${entry.plan_id}:${PART}:${slotMs}` },
      data: { kind: 'drill', firstSlotAtMs: firstMs, caughtUpSlotAtMs: slotMs, lateMs },
    });
  }
  if (created) return [job.id];
  await recordEvent(trx, {
    ...{ kind: 'run_overlapped', ...about, jobId: job.id },
    data: { kind: 'drill', slotAtMs: slotMs, status: job.status },
    dedupeKey: `overlapped:${entry.plan_id}:${PART}:${slotMs}`,
  });
  return [];
}

/** Counts a run that made a backup, and asks for a drill after so many as the plan says. In the transaction that ends the run. */
export async function countBackup(trx: CatalogDb, queue: JobQueue, planId: string): Promise<void> {
  const entry = await trx
    .updateTable('drill_entries')
    .set((eb) => ({ backups_since: eb('backups_since', '+', 1) }))
    .where('plan_id', '=', planId)
    .where('after_backups', 'is not', null)
    .where('enabled', '=', sql.lit(1))
    .returningAll()
    .executeTakeFirst();
  if (!entry || entry.backups_since < entry.after_backups!) return;
  await trx.updateTable('drill_entries').set({ backups_since: 0 }).where('plan_id', '=', planId).execute();
  const plan = await findDocumentById<'plan'>(trx, planId);
  if (!plan) return;
  await requestDrill(trx, queue, {
    ...{ plan, backup: null, checks: null, via: 'after_backups', requestedBy: null },
  });
}
