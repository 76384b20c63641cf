/** How plans stand with their drills: when the next is due, what the last found, when one last proved that they restore. */
import type { Selectable } from 'kysely';
import { DAY_MS } from '../../engine/index.ts';
import type { DrillEntriesTable } from '../catalog/tables/drills.ts';
import type { Catalog } from '../catalog/types.ts';
import { listDocuments } from '../configuration/documents.ts';
import { type DrillEntry, lastDrills } from './drills.ts';

export interface DrillPlan {
  readonly plan: string;
  readonly tenantId: string | null;
  /** As the plan says it; null for none. */
  readonly schedule: string | null;
  readonly timeZone: string | null;
  readonly afterBackups: number | null;
  readonly backupsSince: number | null;
  readonly nextDueAtMs: number | null;
  /** A drill was due a day ago, and none has ended since. */
  readonly isOverdue: boolean;
  readonly last: DrillEntry | null;
  readonly green: DrillEntry | null;
}

/** Of all plans, in order of name. */
export async function drillPlans({ db, clock }: Catalog): Promise<DrillPlan[]> {
  const nowMs = clock.nowMs();
  const rows = await db.selectFrom('drill_entries').selectAll().execute();
  const entries = new Map(rows.map((row) => [row.plan_id, row]));
  const lastOf = await lastDrills(db);
  const plans = await listDocuments(db, 'plan');
  return plans.map(({ id, name, tenantId, body }) => {
    const entry = entries.get(id);
    const found = lastOf(name, tenantId);
    const isOn = entry?.enabled === 1;
    return {
      ...{ plan: name, tenantId, schedule: body.drill?.schedule ?? null },
      timeZone: entry?.cron ? entry.time_zone : null,
      ...{ afterBackups: entry?.after_backups ?? null, backupsSince: entry?.backups_since ?? null },
      nextDueAtMs: isOn ? entry.next_due_at : null,
      isOverdue: isOn && isOverdue(entry, found?.last ?? null, nowMs),
      ...{ last: found?.last ?? null, green: found?.green ?? null },
    };
  });
}

/** Later than this is too late: a drill may take hours, and waits for its worker. */
export const OVERDUE_MS = DAY_MS;

/** Also when nobody was there to enqueue it. */
export function isOverdue(
  { last_slot_at, next_due_at }: Pick<Selectable<DrillEntriesTable>, 'last_slot_at' | 'next_due_at'>,
  last: Pick<DrillEntry, 'startedAtMs'> | null,
  nowMs: number,
): boolean {
  if (next_due_at !== null && nowMs - next_due_at > OVERDUE_MS) return true;
  if (last_slot_at === null || nowMs - last_slot_at <= OVERDUE_MS) return false;
  return last === null || last.startedAtMs < last_slot_at;
}
