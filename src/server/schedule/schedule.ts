import { sql } from 'kysely';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { listDocuments } from '../configuration/documents.ts';
import type { JobQueue } from '../jobs/port.ts';
import { cronTimes } from './cron.ts';
import { enqueueDueDrills } from './drill-slots.ts';
import { enqueueDue } from './due-slots.ts';
import { dueAtMs } from './jitter.ts';
import { noticeOverdue } from './overdue.ts';
import { noticeOverdueDrills } from './overdue-drills.ts';
import type { Schedule, TickReport, UpcomingRequest, UpcomingRun } from './port.ts';
import { syncPlanSchedule } from './sync.ts';

/** Also makes up for plans that another server changed, and for a clock that was set. */
const LONGEST_WAIT_MS = 30_000;

export interface ScheduleParts {
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly onError: (error: unknown) => void;
}

export function openSchedule({ catalog, queue, onError }: ScheduleParts): Schedule {
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = true;

  const tick = async (): Promise<TickReport> => {
    const nowMs = catalog.clock.nowMs();
    const enqueued = [
      ...(await enqueueDue(catalog, queue, nowMs)),
      ...(await enqueueDueDrills(catalog, queue, nowMs)),
    ];
    const overdue = await noticeOverdue(catalog, nowMs);
    await noticeOverdueDrills(catalog, nowMs);
    const next = [
      await nextDue(catalog.db, 'schedule_entries'),
      await nextDue(catalog.db, 'drill_entries'),
    ].filter((at) => at !== null);
    return { enqueued, overdue, nextDueAtMs: next.length === 0 ? null : Math.min(...next) };
  };
  const run = async () => {
    if (timer) clearTimeout(timer);
    timer = null;
    let waitMs = LONGEST_WAIT_MS;
    do {
      again = false;
      try {
        const { nextDueAtMs } = await tick();
        const untilMs = nextDueAtMs === null ? LONGEST_WAIT_MS : nextDueAtMs - catalog.clock.nowMs();
        waitMs = Math.max(0, Math.min(LONGEST_WAIT_MS, untilMs));
      } catch (error) {
        onError(error);
        waitMs = 1000;
      }
    } while (again);
    running = null;
    if (!stopped) timer = setTimeout(wake, waitMs);
  };
  const wake = () => {
    again = true;
    if (!stopped) running ??= run();
  };
  return {
    tick,
    start() {
      stopped = false;
      wake();
    },
    wake,
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
    upcoming: (request) => upcoming(catalog, request),
  };
}

/** When the first entry is due; null when none is. */
async function nextDue(db: CatalogDb, table: 'schedule_entries' | 'drill_entries'): Promise<number | null> {
  const row = await db
    .selectFrom(table)
    .select('next_due_at')
    .where('enabled', '=', sql.lit(1))
    .where('next_due_at', 'is not', null)
    .orderBy('next_due_at')
    .limit(1)
    .executeTakeFirst();
  return row?.next_due_at ?? null;
}

async function upcoming(
  { db }: Catalog,
  { limit, planId, tenantId }: UpcomingRequest,
): Promise<UpcomingRun[]> {
  let query = db
    .selectFrom('schedule_entries as entry')
    .innerJoin('documents as plan', 'plan.id', 'entry.plan_id')
    .selectAll('entry')
    .select(['plan.name', 'plan.tenant_id'])
    .where('entry.enabled', '=', sql.lit(1))
    .where('entry.next_due_at', 'is not', null);
  if (planId !== undefined) query = query.where('entry.plan_id', '=', planId);
  if (tenantId === null) query = query.where('plan.tenant_id', 'is', null);
  else if (tenantId !== undefined) query = query.where('plan.tenant_id', '=', tenantId);
  const entries = await query.orderBy('entry.next_due_at').limit(limit).execute();
  const runs = entries.flatMap((entry) => {
    const times = cronTimes(entry.cron, entry.time_zone);
    const found: UpcomingRun[] = [];
    let slotMs: number | null = entry.next_slot_at;
    for (; slotMs !== null && found.length < limit; slotMs = times.after(slotMs)) {
      found.push({
        ...{ planId: entry.plan_id, plan: entry.name, tenantId: entry.tenant_id, part: entry.part || null },
        slotAtMs: slotMs,
        dueAtMs: dueAtMs(entry.plan_id, entry.part, slotMs, entry.jitter_ms),
      });
    }
    return found;
  });
  return runs.sort((a, b) => a.dueAtMs - b.dueAtMs).slice(0, limit);
}

/** After settings changed: brings every plan in line. */
export async function syncAllSchedules(trx: CatalogDb, nowMs: number): Promise<void> {
  for (const plan of await listDocuments(trx, 'plan')) await syncPlanSchedule(trx, plan, nowMs);
}
