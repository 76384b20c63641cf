import { sql } from 'kysely';
import { recordEvent } from '../catalog/events.ts';
import type { Catalog } from '../catalog/types.ts';
import { OVERDUE_MS } from '../history/drill-plans.ts';

/**
 * Writes an event for every drill that was due a day ago while none has begun and ended since, as when it was cancelled or its
 * worker never came; once for each time it was due.
 */
export async function noticeOverdueDrills(catalog: Catalog, nowMs: number): Promise<void> {
  const overdue = await catalog.db
    .selectFrom('drill_entries as entry')
    .innerJoin('documents as plan', 'plan.id', 'entry.plan_id')
    .select(['plan.id', 'plan.name', 'plan.tenant_id', 'entry.last_slot_at'])
    .where('entry.enabled', '=', sql.lit(1))
    .where('entry.last_slot_at', '<', nowMs - OVERDUE_MS)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('drills')
            .select('drills.id')
            .whereRef('drills.plan_id', '=', 'plan.id')
            .whereRef('drills.started_at', '>=', 'entry.last_slot_at')
            .where('drills.trial', '=', 0),
        ),
      ),
    )
    .execute();
  for (const { id, name, tenant_id, last_slot_at } of overdue) {
    const dedupeKey = `drill-overdue:${id}:${last_slot_at}`;
    const told = await catalog.db
      .selectFrom('events')
      .select('id')
      .where('dedupe_key', '=', dedupeKey)
      .executeTakeFirst();
    if (told) continue;
    await catalog.transaction((trx) =>
      recordEvent(trx, {
        ...{ kind: 'drill_overdue', atMs: nowMs, tenantId: tenant_id, planId: id, plan: name, dedupeKey },
        data: { kind: 'drill', slotAtMs: last_slot_at, lateMs: nowMs - last_slot_at! },
      }),
    );
  }
}
