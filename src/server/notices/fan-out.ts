import type { Selectable } from 'kysely';
import { newId } from '../../engine/index.ts';
import type { EventsTable } from '../catalog/tables/events.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { listDocuments } from '../configuration/documents.ts';
import { type Channel, wantsEvent } from './channel-rules.ts';
import { noticeOf } from './notice.ts';

const AT_ONCE = 100;

/**
 * Makes a delivery for every channel that wants to hear of an event, and counts the event: for each event once, whatever dies and
 * however many servers run, since all of it is one transaction. Gives the events that were dealt with.
 */
export async function fanOut(catalog: Catalog): Promise<number> {
  let total = 0;
  // Most looks find nothing, and need not hold up whoever writes.
  while (await isAnyUnhandled(catalog.db)) {
    const count = await catalog.exclusive('notices', (trx) => fanOutSome(trx, catalog.clock.nowMs()));
    total += count;
    if (count < AT_ONCE) break;
  }
  return total;
}

async function isAnyUnhandled(db: CatalogDb): Promise<boolean> {
  const found = await db
    .selectFrom('events')
    .select('id')
    .where('handled_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

async function fanOutSome(trx: CatalogDb, nowMs: number): Promise<number> {
  const events = await trx
    .selectFrom('events')
    .selectAll()
    .where('handled_at', 'is', null)
    .orderBy('id')
    .limit(AT_ONCE)
    .execute();
  if (events.length === 0) return 0;
  const channels = await listDocuments(trx, 'channel');
  for (const event of events) {
    for (const channel of channels) await enqueueIfWanted(trx, channel, event, nowMs);
    await countEvent(trx, event);
  }
  await trx
    .updateTable('events')
    .set({ handled_at: nowMs })
    .where(
      'id',
      'in',
      events.map(({ id }) => id),
    )
    .execute();
  return events.length;
}

async function enqueueIfWanted(
  trx: CatalogDb,
  channel: Channel,
  event: Selectable<EventsTable>,
  nowMs: number,
): Promise<void> {
  if (!wantsEvent(channel, { kind: event.kind, plan: event.plan, tenantId: event.tenant_id })) return;
  await trx
    .insertInto('notice_deliveries')
    .values({
      // By the event's time, so that notices of one channel go out in the order in which things happened.
      ...{ id: newId(event.at), created_at: nowMs, event_id: event.id },
      ...{ channel_id: channel.id, channel: channel.name, kind: event.kind },
      ...{ tenant_id: event.tenant_id, plan: event.plan, notice: JSON.stringify(noticeOf(event)) },
      ...{ status: 'waiting', attempts: 0, next_at: nowMs, finished_at: null, last_error: null },
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function countEvent(trx: CatalogDb, { kind, tenant_id, plan }: Selectable<EventsTable>): Promise<void> {
  await trx
    .insertInto('event_counts')
    .values({ kind, tenant_id: tenant_id ?? '', plan: plan ?? '', count: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['kind', 'tenant_id', 'plan'])
        .doUpdateSet((eb) => ({ count: eb('event_counts.count', '+', 1) })),
    )
    .execute();
}
