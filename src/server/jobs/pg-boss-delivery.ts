import { sql } from 'kysely';
import pg from 'pg';
import { type Db, fromKysely, PgBoss } from 'pg-boss';
import { surviveLostConnections } from '../catalog/postgres.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { Delivery, Ticket } from './delivery.ts';

/** Its own schema beside the catalog's tables. */
const SCHEMA = 'holdfast_queue';

/**
 * A message that was fetched and neither claimed nor settled is delivered again after this: its worker died in between. Within the
 * lease, like everything else that a dead worker leaves. A claim that takes longer does no harm: the second one finds it done.
 */
const redeliverSeconds = (leaseMs: number) => Math.min(15, Math.max(1, Math.round(leaseMs / 5000)));

/** A job may wait for years for a worker with its label; pg-boss must not clean it up. */
const NEVER_SECONDS = 10 * 365 * 86_400;

/** How long a job may be due and not running before it is asked whether its message got lost. */
const LOST_AFTER_MS = 60_000;

/** Lost tickets made again in one round. */
const AT_ONCE = 100;

const CONNECTIONS = 2;

export interface DeliveryOptions {
  nowMs(): number;
  readonly leaseMs: number;
  onError(error: unknown): void;
}

interface Message {
  readonly dueAtMs: number;
}

/**
 * pg-boss brings tickets to workers on several machines: it holds each back until its job is due, gives it to one worker (SKIP
 * LOCKED) and again when that one dies before it claims a job. There are never fewer tickets than jobs that may run: one is made in
 * the transaction that queues a job, and settled in one that claims a job of the same label.
 */
export async function pgBossDelivery(
  catalog: Catalog,
  { nowMs, leaseMs, onError }: DeliveryOptions,
): Promise<Delivery> {
  const seconds = redeliverSeconds(leaseMs);
  // Not the catalog's own connections: pg-boss looks things up while a transaction of ours holds one and waits.
  const pool = new pg.Pool({
    ...catalog.pool?.options,
    max: CONNECTIONS,
    application_name: 'holdfast queue',
  });
  surviveLostConnections(pool);
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values as unknown[]) },
    schema: SCHEMA,
    schedule: false,
    superviseIntervalSeconds: seconds,
    monitorIntervalSeconds: seconds,
  });
  boss.on('error', onError);
  await boss.start().catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  let turn = 0;
  const prepared = new Map<string, Promise<void>>();
  const prepare = (label: string | null): Promise<void> => {
    const name = queueName(label);
    const known = prepared.get(name);
    if (known) return known;
    const made = createQueue(boss, name, seconds);
    prepared.set(name, made);
    made.catch(() => prepared.delete(name));
    return made;
  };
  return {
    prepare,
    async announce(trx, { label, priority, run_after }) {
      await prepare(label);
      await boss.send(queueName(label), { dueAtMs: run_after } satisfies Message, {
        priority,
        ...(run_after > nowMs() ? { startAfter: new Date(run_after) } : {}),
        db: within(trx),
      });
    },
    async next(labels, count) {
      const tickets: Ticket[] = [];
      // Beginning with another label each time: none waits for ever because there is always a job with the one before.
      turn += 1;
      const first = turn % Math.max(1, labels.length);
      for (const label of [...labels.slice(first), ...labels.slice(0, first)]) {
        const name = queueName(label);
        await prepare(label);
        const wanted = count - tickets.length;
        if (wanted <= 0) break;
        const messages = await boss.fetch<Message>(name, { batchSize: wanted });
        tickets.push(...messages.map((message) => ticketOf(boss, label, message)));
      }
      return tickets;
    },
    redeliver: (atMs) => redeliver(catalog, atMs, (label) => prepare(label), boss),
    async close() {
      await boss.stop({ graceful: false, close: false });
      await pool.end();
    },
  };
}

/** Letters, digits, `.`, `_` and `-` are what pg-boss takes, and what a label is made of. */
const queueName = (label: string | null) => (label === null ? 'jobs' : `jobs/${label}`);

const within = (trx: CatalogDb): Db => fromKysely(trx);

async function createQueue(boss: PgBoss, name: string, seconds: number): Promise<void> {
  await boss.createQueue(name, {
    expireInSeconds: seconds,
    retentionSeconds: NEVER_SECONDS,
    deleteAfterSeconds: 60,
    retryLimit: 1_000_000,
    retryDelay: 0,
  });
}

function ticketOf(boss: PgBoss, label: string | null, message: { id: string; data: Message }): Ticket {
  return {
    labels: [label],
    dueAtMs: message.data.dueAtMs,
    async settle(trx) {
      await boss.complete(queueName(label), message.id, null, { db: within(trx) });
    },
  };
}

/** Makes the tickets that are missing for jobs that are due: a safety net that should find nothing. */
async function redeliver(
  catalog: Catalog,
  nowMs: number,
  prepare: (label: string | null) => Promise<void>,
  boss: PgBoss,
): Promise<void> {
  const waiting = await sql<{ label: string | null; jobs: number; tickets: number }>`
    select j.label, count(*) as jobs, (
      select count(*) from ${sql.raw(SCHEMA)}.job m
      where m.name = coalesce('jobs/' || j.label, 'jobs') and m.state in ('created', 'retry', 'active') and m.start_after <= now()
    ) as tickets
    from jobs j
    where j.status = 'queued' and j.run_after < ${nowMs - LOST_AFTER_MS}
      and not exists (select 1 from jobs r where r.status = 'running' and r.concurrency_key = j.concurrency_key)
    group by j.label`.execute(catalog.db);
  for (const { label, jobs, tickets } of waiting.rows) {
    if (jobs <= tickets) continue;
    await prepare(label);
    for (let i = 0; i < Math.min(jobs - tickets, AT_ONCE); i += 1) {
      await boss.send(queueName(label), { dueAtMs: nowMs } satisfies Message);
    }
  }
}
