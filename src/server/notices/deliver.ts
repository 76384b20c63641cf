import type { Selectable } from 'kysely';
import { asHoldfastError } from '../../engine/index.ts';
import type { NoticeDeliveriesTable } from '../catalog/tables/notices.ts';
import type { Catalog } from '../catalog/types.ts';
import { findDocumentById } from '../configuration/documents.ts';
import type { Notice } from './notice.ts';
import { send } from './send.ts';
import type { Sending, SendParts, SendResult } from './sending.ts';

type Delivery = Selectable<NoticeDeliveriesTable>;

/** Waits between attempts; after the last one a notice counts as failed. Together a little less than a day. */
export const RETRY_SECONDS = [10, 60, 300, 900, 3600, 10_800, 21_600, 43_200] as const;

/** An attempt that has not ended by then was made by a process that died. Longer than any attempt takes. */
export const ATTEMPT_MS = 150_000;

/** A receiver does not decide that we wait for ever. */
const LONGEST_RETRY_AFTER_SECONDS = 3600;

export interface DeliverParts extends SendParts {
  readonly catalog: Catalog;
  /** In [0, 1). */
  readonly random: () => number;
}

/** The next delivery that is due and goes to none of `busy`; claimed, so that no other process takes it. Null when there is none. */
export async function claimDue({ db, clock }: Catalog, busy: readonly string[]): Promise<Delivery | null> {
  for (;;) {
    const nowMs = clock.nowMs();
    let query = db
      .selectFrom('notice_deliveries')
      .selectAll()
      .where('status', '=', 'waiting')
      .where('next_at', '<=', nowMs);
    if (busy.length > 0) query = query.where('channel_id', 'not in', busy);
    const due = await query.orderBy('next_at').orderBy('id').limit(1).executeTakeFirst();
    if (!due) return null;
    const claimed = await db
      .updateTable('notice_deliveries')
      .set({ attempts: due.attempts + 1, next_at: nowMs + ATTEMPT_MS })
      .where('id', '=', due.id)
      .where('status', '=', 'waiting')
      .where('next_at', '=', due.next_at)
      .where('attempts', '=', due.attempts)
      .returningAll()
      .executeTakeFirst();
    if (claimed) return claimed;
  }
}

/** When the next delivery is due; null when none waits. */
export async function nextDueAtMs({ db }: Catalog): Promise<number | null> {
  const row = await db
    .selectFrom('notice_deliveries')
    .select('next_at')
    .where('status', '=', 'waiting')
    .orderBy('next_at')
    .limit(1)
    .executeTakeFirst();
  return row?.next_at ?? null;
}

/** Makes one attempt for a claimed delivery and writes down how it went. */
export async function deliver(delivery: Delivery, parts: DeliverParts): Promise<void> {
  const { catalog } = parts;
  const channel = await findDocumentById<'channel'>(catalog.db, delivery.channel_id);
  const startedAtMs = catalog.clock.nowMs();
  if (!channel?.body.enabled) {
    await end(catalog, delivery, 'dropped', channel ? 'the channel is switched off' : 'the channel is gone');
    return;
  }
  const notice = JSON.parse(delivery.notice) as Notice;
  const result = await attempt({ deliveryId: delivery.id, notice, channel, nowMs: startedAtMs }, parts);
  await recordAttempt(parts, delivery, startedAtMs, result);
}

/** Never throws. */
export async function attempt(sending: Sending, parts: SendParts): Promise<SendResult> {
  try {
    return await send(sending, parts);
  } catch (error) {
    const { code, message } = asHoldfastError(error);
    return { answer: null, error: `${code}: ${message}`, isFinal: false, retryAfterSeconds: null };
  }
}

async function recordAttempt(
  { catalog, random }: DeliverParts,
  delivery: Delivery,
  startedAtMs: number,
  result: SendResult,
): Promise<void> {
  const nowMs = catalog.clock.nowMs();
  const isOver = result.error === null || result.isFinal || delivery.attempts > RETRY_SECONDS.length;
  await catalog.transaction(async (trx) => {
    // Unless the attempt took so long that somebody else makes another.
    const { numUpdatedRows } = await trx
      .updateTable('notice_deliveries')
      .set({
        status: result.error === null ? 'delivered' : isOver ? 'failed' : 'waiting',
        next_at: isOver ? null : nowMs + retryMs(delivery.attempts, result.retryAfterSeconds, random),
        finished_at: isOver ? nowMs : null,
        last_error: result.error,
      })
      .where('id', '=', delivery.id)
      .where('status', '=', 'waiting')
      .where('attempts', '=', delivery.attempts)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return;
    await trx
      .insertInto('notice_attempts')
      .values({
        ...{ delivery_id: delivery.id, attempt: delivery.attempts, at: startedAtMs },
        duration_ms: Math.max(0, nowMs - startedAtMs),
        ...{ answer: result.answer, error: result.error },
      })
      .execute();
  });
}

/** After so many attempts, with a fifth more or less, so that what failed together does not come back together. */
export function retryMs(attempts: number, retryAfterSeconds: number | null, random: () => number): number {
  const step = RETRY_SECONDS[Math.min(attempts, RETRY_SECONDS.length) - 1]!;
  const asked = Math.min(retryAfterSeconds ?? 0, LONGEST_RETRY_AFTER_SECONDS);
  return Math.round(Math.max(step * (0.8 + 0.4 * random()), asked) * 1000);
}

async function end(catalog: Catalog, { id }: Delivery, status: 'dropped', why: string): Promise<void> {
  await catalog.db
    .updateTable('notice_deliveries')
    .set({ status, next_at: null, finished_at: catalog.clock.nowMs(), last_error: why })
    .where('id', '=', id)
    .execute();
}
