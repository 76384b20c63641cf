/**
 * Notices: events become deliveries to channels, and those are tried until they arrive or a day has passed. Everything under way is in
 * the catalog, so that a restart loses nothing; a notice may arrive twice when a process dies between sending and writing that
 * down, and then carries the same `Holdfast-Delivery`. Several servers share the work.
 */
import { newId } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { requireDocument } from '../configuration/documents.ts';
import type { Channel } from './channel-rules.ts';
import { attempt, claimDue, type DeliverParts, deliver, nextDueAtMs } from './deliver.ts';
import { fanOut } from './fan-out.ts';
import { testNotice } from './notice.ts';
import type { SendParts, SendResult } from './sending.ts';

export interface NoticesOptions extends SendParts {
  readonly catalog: Catalog;
  readonly onError: (error: unknown) => void;
  /** How often to look for what other processes left. Default 2 s. */
  readonly pollMs?: number;
  readonly random?: () => number;
}

export interface Notices {
  start(): void;
  /** Something happened: look at once. */
  wake(): void;
  /** Deals with every event, and makes every attempt that is due. `start` does so in time; tests call it themselves. */
  tick(): Promise<void>;
  /** Sends a test through a stored channel, once and at once, also when it is switched off. Throws `document_unknown`. */
  test(channel: string): Promise<ChannelTest>;
  /** Waits for attempts under way. */
  stop(): Promise<void>;
}

export interface ChannelTest {
  readonly deliveryId: string;
  readonly ok: boolean;
  readonly answer: string | null;
  readonly error: string | null;
  readonly durationMs: number;
}

const POLL_MS = 2000;

/** Attempts at once; one for each channel, so that its notices keep their order and a slow receiver delays its own. */
const AT_ONCE = 8;

export function openNotices(options: NoticesOptions): Notices {
  const { catalog, onError } = options;
  const parts: DeliverParts = { random: Math.random, ...options };
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let stopped = true;
  let wokenMeanwhile = false;
  const tick = async () => {
    await fanOut(catalog);
    await deliverDue(parts, onError, () => stopped && timer === null && running !== null);
  };
  const run = async () => {
    try {
      await tick();
    } catch (error) {
      onError(error);
    }
    const nextMs = stopped ? 0 : await waitMs(catalog, options.pollMs ?? POLL_MS);
    running = null;
    if (!stopped) timer = setTimeout(wake, wokenMeanwhile ? 0 : nextMs);
    wokenMeanwhile = false;
  };
  const wake = () => {
    if (running) wokenMeanwhile = true;
    if (stopped || running) return;
    if (timer) clearTimeout(timer);
    timer = null;
    running = run();
  };
  return {
    start() {
      stopped = false;
      wake();
    },
    wake,
    tick,
    test: async (name) => test(await requireDocument(catalog.db, 'channel', name), parts),
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      timer = null;
      await running;
    },
  };
}

/** Until the next attempt, and at most until the next look. */
async function waitMs(catalog: Catalog, pollMs: number): Promise<number> {
  const dueMs = await nextDueAtMs(catalog).catch(() => null);
  return dueMs === null ? pollMs : Math.min(pollMs, Math.max(50, dueMs - catalog.clock.nowMs()));
}

async function deliverDue(
  parts: DeliverParts,
  onError: (error: unknown) => void,
  isStopping: () => boolean,
): Promise<void> {
  const underWay = new Map<string, Promise<void>>();
  try {
    for (;;) {
      const busy = [...underWay.keys()];
      const mayBegin = busy.length < AT_ONCE && !isStopping();
      const next = mayBegin ? await claimDue(parts.catalog, busy) : null;
      if (next) {
        const { channel_id: channel } = next;
        underWay.set(
          channel,
          // What could not be written down is tried again once the claim has ended.
          deliver(next, parts)
            .catch(onError)
            .finally(() => underWay.delete(channel)),
        );
      } else if (busy.length === 0) return;
      // One that ended during the look made room for what waits behind it: look again at once.
      else if (underWay.size === busy.length) await Promise.race(underWay.values());
    }
  } finally {
    await Promise.allSettled(underWay.values());
  }
}

async function test(channel: Channel, parts: DeliverParts): Promise<ChannelTest> {
  const { catalog } = parts;
  const nowMs = catalog.clock.nowMs();
  const deliveryId = newId(nowMs);
  const notice = testNotice(nowMs, channel.tenantId);
  const result: SendResult = await attempt({ deliveryId, notice, channel, nowMs }, parts);
  const endedMs = catalog.clock.nowMs();
  const durationMs = Math.max(0, endedMs - nowMs);
  await catalog.transaction(async (trx) => {
    await trx
      .insertInto('notice_deliveries')
      .values({
        ...{
          id: deliveryId,
          created_at: nowMs,
          event_id: null,
          channel_id: channel.id,
          channel: channel.name,
        },
        ...{ kind: 'test', tenant_id: channel.tenantId, plan: null, notice: JSON.stringify(notice) },
        ...{ status: result.error === null ? 'delivered' : 'failed', attempts: 1, next_at: null },
        ...{ finished_at: endedMs, last_error: result.error },
      })
      .execute();
    await trx
      .insertInto('notice_attempts')
      .values({
        ...{ delivery_id: deliveryId, attempt: 1, at: nowMs, duration_ms: durationMs },
        ...{ answer: result.answer, error: result.error },
      })
      .execute();
  });
  return { deliveryId, ok: result.error === null, answer: result.answer, error: result.error, durationMs };
}
