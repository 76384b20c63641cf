import type { Selectable } from 'kysely';
import type { PlanConfig } from '../../contracts/config.ts';
import type { Settings } from '../../contracts/settings.ts';
import type { ScheduleEntriesTable } from '../catalog/tables/schedule.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { settingValues } from '../configuration/settings.ts';
import { cronTimes } from './cron.ts';
import { syncDrillEntry } from './drill-entries.ts';
import { dueAtMs } from './jitter.ts';

type Entry = Selectable<ScheduleEntriesTable>;

interface ScheduledPlan {
  readonly id: string;
  readonly tenantId: string | null;
  readonly body: PlanConfig;
}

/** What of a plan runs when. `part` is a database with an hour of its own, empty for the rest of the plan. */
export type Timing = Pick<Entry, 'part' | 'cron' | 'time_zone' | 'jitter_ms' | 'enabled'>;

/** A plan without an enabled source beside its databases has no entry of its own. */
export function timingsOf(plan: PlanConfig, settings: Settings): Timing[] {
  const databases = Object.entries(plan.databases ?? {});
  const rest = plan.sources.filter((source) => plan.databases?.[source] === undefined);
  const isOn = plan.enabled !== false && settings['schedule.enabled'];
  const jitterMs = (plan.jitterSeconds ?? settings['schedule.jitterSeconds']) * 1000;
  const own: Timing = {
    part: '',
    cron: plan.schedule ?? settings['schedule.cron'],
    time_zone: plan.timeZone ?? settings['schedule.timeZone'],
    jitter_ms: jitterMs,
    enabled: isOn && plan.schedule !== null ? 1 : 0,
  };
  const parts = databases.map(
    ([part, { hour, enabled }]): Timing => ({
      part,
      cron: `0 ${hour} * * *`,
      time_zone: 'UTC',
      jitter_ms: jitterMs,
      enabled: isOn && enabled ? 1 : 0,
    }),
  );
  return rest.length > 0 ? [own, ...parts] : parts;
}

/** Brings the entries of a plan in line with it. One whose times did not change keeps its next slot, due or not. */
export async function syncPlanSchedule(trx: CatalogDb, plan: ScheduledPlan, nowMs: number): Promise<void> {
  const settings = await settingValues(trx, plan.tenantId);
  const isArchived = await isTenantArchived(trx, plan.tenantId);
  const timings = timingsOf(plan.body, settings).map((one) => (isArchived ? { ...one, enabled: 0 } : one));
  await syncDrillEntry(trx, plan, { settings, isArchived }, nowMs);
  const entries = await trx
    .selectFrom('schedule_entries')
    .selectAll()
    .where('plan_id', '=', plan.id)
    .execute();
  for (const entry of entries) {
    if (timings.some(({ part }) => part === entry.part)) continue;
    await trx
      .deleteFrom('schedule_entries')
      .where('plan_id', '=', plan.id)
      .where('part', '=', entry.part)
      .execute();
  }
  for (const timing of timings) {
    const before = entries.find(({ part }) => part === timing.part);
    const row = { plan_id: plan.id, ...timing, ...nextOf(plan.id, timing, before, nowMs) };
    await trx
      .insertInto('schedule_entries')
      .values({ ...row, last_slot_at: null })
      .onConflict((conflict) => conflict.columns(['plan_id', 'part']).doUpdateSet(row))
      .execute();
  }
}

async function isTenantArchived(trx: CatalogDb, tenantId: string | null): Promise<boolean> {
  if (tenantId === null) return false;
  const tenant = await trx
    .selectFrom('tenants')
    .select('archived_at')
    .where('id', '=', tenantId)
    .executeTakeFirst();
  return tenant?.archived_at != null;
}

function nextOf(planId: string, timing: Timing, before: Entry | undefined, nowMs: number) {
  const isSame =
    before?.cron === timing.cron &&
    before.time_zone === timing.time_zone &&
    before.enabled === timing.enabled;
  const slotMs = isSame ? before.next_slot_at : cronTimes(timing.cron, timing.time_zone).after(nowMs);
  return {
    next_slot_at: slotMs,
    next_due_at: slotMs === null ? null : dueAtMs(planId, timing.part, slotMs, timing.jitter_ms),
  };
}
