import type { Selectable } from 'kysely';
import { DAY_MS } from '../../engine/index.ts';
import { listPage } from '../catalog/pages.ts';
import type { NoticeDeliveriesTable } from '../catalog/tables/notices.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { Notice } from './notice.ts';

const KEPT_MS = 90 * DAY_MS;

export interface NoticeDelivery {
  readonly id: string;
  readonly createdAtMs: number;
  readonly channel: string;
  readonly kind: string;
  readonly tenantId: string | null;
  readonly plan: string | null;
  readonly payload: Notice['payload'];
  readonly status: NoticeDeliveriesTable['status'];
  readonly attempts: number;
  /** Null once it is over. */
  readonly nextAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly lastError: string | null;
}

export interface NoticeAttempt {
  readonly attempt: number;
  readonly atMs: number;
  readonly durationMs: number;
  readonly answer: string | null;
  /** Null for success. */
  readonly error: string | null;
}

export interface DeliveryFilter {
  readonly channelId?: string;
  readonly status?: NoticeDeliveriesTable['status'];
  /** Only of these tenants; null for all. */
  readonly tenants?: readonly string[] | null;
}

/** Newest first. `after` is `next` of the page before; null for the first. */
export async function listDeliveries(
  db: CatalogDb,
  { channelId, status, tenants }: DeliveryFilter,
  page: { readonly limit: number; readonly after: string | null },
): Promise<{ readonly items: readonly NoticeDelivery[]; readonly next: string | null }> {
  let query = db.selectFrom('notice_deliveries').selectAll();
  if (channelId !== undefined) query = query.where('channel_id', '=', channelId);
  if (status !== undefined) query = query.where('status', '=', status);
  if (tenants) query = query.where('tenant_id', 'in', tenants.length > 0 ? tenants : ['']);
  if (page.after !== null) query = query.where('id', '<', page.after);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
  return listPage(rows.map(deliveryOf), page.limit, ({ id }) => id);
}

/** Every attempt of a delivery, in order. */
export async function listAttempts(db: CatalogDb, deliveryId: string): Promise<NoticeAttempt[]> {
  const rows = await db
    .selectFrom('notice_attempts')
    .selectAll()
    .where('delivery_id', '=', deliveryId)
    .orderBy('attempt')
    .execute();
  return rows.map(({ attempt, at, duration_ms, answer, error }) => ({
    ...{ attempt, atMs: at, durationMs: duration_ms, answer, error },
  }));
}

/** Forgets deliveries that were over 90 days ago. */
export async function forgetDeliveries({ db, clock }: Catalog): Promise<void> {
  await db
    .deleteFrom('notice_deliveries')
    .where('created_at', '<', clock.nowMs() - KEPT_MS)
    .where('status', '<>', 'waiting')
    .execute();
}

function deliveryOf(row: Selectable<NoticeDeliveriesTable>): NoticeDelivery {
  return {
    ...{ id: row.id, createdAtMs: row.created_at, channel: row.channel, kind: row.kind },
    ...{ tenantId: row.tenant_id, plan: row.plan, status: row.status, attempts: row.attempts },
    payload: (JSON.parse(row.notice) as Notice).payload,
    nextAtMs: row.next_at,
    finishedAtMs: row.finished_at,
    lastError: row.last_error,
  };
}
