/** What a plan says of when it is drilled, as the schedule keeps it. */
import type { Selectable } from 'kysely';
import type { PlanConfig } from '../../contracts/config.ts';
import { drillCron } from '../../contracts/config-drill.ts';
import type { Settings } from '../../contracts/settings.ts';
import type { DrillEntriesTable } from '../catalog/tables/drills.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { cronTimes } from './cron.ts';
import { dueAtMs } from './jitter.ts';

type Entry = Selectable<DrillEntriesTable>;

/** Tells slots of drills from those of backups; no part of a plan is called so. */
export const DRILL_PART = '/drill';

/** Brings the entry of a plan in line with it. One whose times did not change keeps its next slot, due or not, and its count. */
export async function syncDrillEntry(
  trx: CatalogDb,
  { id, body }: { readonly id: string; readonly body: PlanConfig },
  { settings, isArchived }: { readonly settings: Settings; readonly isArchived: boolean },
  nowMs: number,
): Promise<void> {
  const cron = body.drill ? drillCron(body.drill) : null;
  const afterBackups = body.drill?.afterBackups ?? null;
  if (cron === null && afterBackups === null) {
    await trx.deleteFrom('drill_entries').where('plan_id', '=', id).execute();
    return;
  }
  const before = await trx
    .selectFrom('drill_entries')
    .selectAll()
    .where('plan_id', '=', id)
    .executeTakeFirst();
  const isOn = body.enabled !== false && settings['schedule.enabled'] && !isArchived;
  const timing = {
    ...{ cron, enabled: isOn ? 1 : 0, after_backups: afterBackups },
    time_zone: body.timeZone ?? settings['schedule.timeZone'],
    jitter_ms: (body.jitterSeconds ?? settings['schedule.jitterSeconds']) * 1000,
  };
  const row = { plan_id: id, ...timing, ...nextOf(id, timing, before, nowMs) };
  await trx
    .insertInto('drill_entries')
    .values({ ...row, backups_since: 0, last_slot_at: null })
    .onConflict((conflict) => conflict.column('plan_id').doUpdateSet(row))
    .execute();
}

function nextOf(
  planId: string,
  timing: Pick<Entry, 'cron' | 'time_zone' | 'jitter_ms' | 'enabled'>,
  before: Entry | undefined,
  nowMs: number,
) {
  const { cron, time_zone, jitter_ms, enabled } = timing;
  const isSame = before?.cron === cron && before.time_zone === time_zone && before.enabled === enabled;
  const slotMs = isSame
    ? before.next_slot_at
    : cron === null
      ? null
      : cronTimes(cron, time_zone).after(nowMs);
  return {
    next_slot_at: slotMs,
    next_due_at: slotMs === null ? null : dueAtMs(planId, DRILL_PART, slotMs, jitter_ms),
  };
}
