/**
 * What happened and may concern somebody. Written in the transaction of what happened; read by notices, which set
 * `handled_at`, so that each event is dealt with once, also after a crash.
 */
import { newId } from '../../engine/index.ts';
import type { EventKind } from './tables/events.ts';
import type { CatalogDb } from './types.ts';

export interface NewEvent {
  readonly kind: EventKind;
  readonly atMs: number;
  readonly tenantId: string | null;
  readonly planId?: string | null;
  readonly plan?: string | null;
  readonly jobId?: string | null;
  readonly backupId?: string | null;
  readonly data: { readonly [key: string]: unknown };
  /** A second event with the same is not written. */
  readonly dedupeKey?: string;
}

/** Gives the event's id; null when there was one with its `dedupeKey`. */
export async function recordEvent(trx: CatalogDb, event: NewEvent): Promise<string | null> {
  const row = await trx
    .insertInto('events')
    .values({
      id: newId(event.atMs),
      at: event.atMs,
      kind: event.kind,
      tenant_id: event.tenantId,
      plan_id: event.planId ?? null,
      plan: event.plan ?? null,
      job_id: event.jobId ?? null,
      backup_id: event.backupId ?? null,
      data: JSON.stringify(event.data),
      dedupe_key: event.dedupeKey ?? null,
      handled_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return row?.id ?? null;
}
