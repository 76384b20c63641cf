/** When tables are thinned: at times of their own. */
import type { Settings } from '../../contracts/settings.ts';
import type { Catalog } from '../catalog/types.ts';
import { listRetainedTables, type RetainedTableRule } from '../configuration/retained-tables.ts';
import { settingValues } from '../configuration/settings.ts';
import type { JobQueue } from '../jobs/port.ts';
import { requestTableRetention } from '../runs/request-table-retention.ts';
import { cronTimes } from './cron.ts';
import { dueAtMs } from './jitter.ts';

export interface TableSlots {
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  /** The last slot of each table for which a job was found. */
  readonly taken: Map<string, number>;
}

/**
 * Enqueues what is due, and gives the jobs that this call enqueued. Nothing is written down for it: a job's own key tells that its
 * slot was taken, by whichever server; `taken` spares this one asking again. Of several slots that passed the last one counts; one from
 * before the rule was written does not.
 */
export async function enqueueDueTables(
  { catalog, queue, taken }: TableSlots,
  nowMs: number,
): Promise<string[]> {
  const enqueued: string[] = [];
  for (const one of await scheduledTables(catalog)) {
    const times = cronTimes(one.rule.schedule!, one.settings['schedule.timeZone']);
    const slotMs = times.lastUntil(nowMs);
    if (slotMs === null || slotMs <= one.source.updatedAtMs || dueOf(one, slotMs) > nowMs) continue;
    const name = `${one.source.id}/${one.table}`;
    if (taken.get(name) === slotMs) continue;
    const asked = { via: 'schedule', requestedBy: null, slotAtMs: slotMs } as const;
    const { job, created } = await catalog.transaction((trx) =>
      requestTableRetention(trx, queue, one, asked),
    );
    // A job that somebody asked for may stand in its way: then it is asked for again.
    if (job.slotAtMs === slotMs) taken.set(name, slotMs);
    if (created) enqueued.push(job.id);
  }
  return enqueued;
}

/** When a table is due next; null without a schedule. */
export function nextTableDueMs(one: RetainedTableRule, settings: Settings, nowMs: number): number | null {
  const { schedule } = one.rule;
  if (schedule === undefined || !settings['schedule.enabled']) return null;
  const slotMs = cronTimes(schedule, settings['schedule.timeZone']).after(nowMs);
  return slotMs === null ? null : dueOf({ ...one, settings }, slotMs);
}

type Scheduled = RetainedTableRule & { readonly settings: Settings };

const dueOf = ({ source, table, settings }: Scheduled, slotMs: number) =>
  dueAtMs(source.id, `/table/${table}`, slotMs, settings['schedule.jitterSeconds'] * 1000);

async function scheduledTables({ db }: Catalog): Promise<Scheduled[]> {
  const found: Scheduled[] = [];
  for (const one of await listRetainedTables(db)) {
    if (one.rule.schedule === undefined) continue;
    const { tenantId } = one.source;
    const settings = await settingValues(db, tenantId);
    const archived =
      tenantId !== null &&
      (await db.selectFrom('tenants').select('archived_at').where('id', '=', tenantId).executeTakeFirst())
        ?.archived_at != null;
    if (settings['schedule.enabled'] && !archived) found.push({ ...one, settings });
  }
  return found;
}
