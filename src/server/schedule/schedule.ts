import { sql } from 'kysely';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { listDocuments } from '../configuration/documents.ts';
import type { JobQueue } from '../jobs/port.ts';
import { enqueueDueDrills } from './drill-slots.ts';
import { enqueueDue } from './due-slots.ts';
import { noticeOverdue } from './overdue.ts';
import { noticeOverdueDrills } from './overdue-drills.ts';
import type { Schedule, TickReport } from './port.ts';
import { syncPlanSchedule } from './sync.ts';
import { enqueueDueTables } from './table-slots.ts';
import { upcomingRuns } from './upcoming.ts';

/** Also makes up for plans that another server changed, and for a clock that was set. */
const LONGEST_WAIT_MS = 30_000;

export interface ScheduleParts {
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly onError: (error: unknown) => void;
}

export function openSchedule({ catalog, queue, onError }: ScheduleParts): Schedule {
  const taken = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = true;

  const tick = async (): Promise<TickReport> => {
    const nowMs = catalog.clock.nowMs();
    const enqueued = [
      ...(await enqueueDue(catalog, queue, nowMs)),
      ...(await enqueueDueDrills(catalog, queue, nowMs)),
      ...(await enqueueDueTables({ catalog, queue, taken }, nowMs)),
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
    upcoming: (request) => upcomingRuns(catalog.db, request),
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

/** After settings changed: brings every plan in line. */
export async function syncAllSchedules(trx: CatalogDb, nowMs: number): Promise<void> {
  for (const plan of await listDocuments(trx, 'plan')) await syncPlanSchedule(trx, plan, nowMs);
}
