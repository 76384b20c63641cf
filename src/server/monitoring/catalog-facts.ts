/** What metrics say besides the health of plans: numbers of the catalog, each from an index. */
import { DAY_MS } from '../../engine/index.ts';
import type { JobKind } from '../catalog/tables/jobs.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { listDocuments } from '../configuration/documents.ts';
import { WORKER_GONE_MS } from '../jobs/worker-presence.ts';

export interface CatalogFacts {
  readonly events: readonly { kind: string; tenant_id: string; plan: string; count: number }[];
  readonly jobs: readonly { kind: JobKind; status: 'queued' | 'running'; count: number }[];
  /** How long the job that waits longest is due; null when none is. */
  readonly longestWaitMs: number | null;
  readonly workers: number;
  readonly missingCopies: readonly { destination: string; count: number }[];
  readonly drills: readonly DrillFact[];
  readonly notices: readonly { channel: string; waiting: number; failed: number }[];
}

export interface DrillFact {
  readonly plan: string;
  readonly tenant_id: string | null;
  readonly result: 'green' | 'red';
  readonly started_at: number;
  readonly recovery_ms: number | null;
  readonly data_age_ms: number | null;
}

export async function catalogFacts({ db, clock }: Catalog): Promise<CatalogFacts> {
  const nowMs = clock.nowMs();
  const oldest = await db
    .selectFrom('jobs')
    .select((eb) => eb.fn.min('run_after').as('at'))
    .where('status', '=', 'queued')
    .executeTakeFirst();
  return {
    events: await db.selectFrom('event_counts').selectAll().orderBy('kind').execute(),
    jobs: await jobsUnderWay(db),
    longestWaitMs: oldest?.at == null || oldest.at > nowMs ? null : nowMs - oldest.at,
    workers: await countOf(
      db
        .selectFrom('job_workers')
        .select((eb) => eb.fn.countAll().as('count'))
        .where('seen_at', '>', nowMs - WORKER_GONE_MS),
    ),
    missingCopies: await missingCopies(db),
    drills: await latestDrills(db),
    notices: await noticesOf(db, nowMs),
  };
}

async function countOf(query: { executeTakeFirstOrThrow(): Promise<{ count: number | string | bigint }> }) {
  return Number((await query.executeTakeFirstOrThrow()).count);
}

async function jobsUnderWay(db: CatalogDb): Promise<CatalogFacts['jobs']> {
  const rows = await db
    .selectFrom('jobs')
    .select((eb) => ['kind', 'status', eb.fn.countAll().as('count')])
    .where('status', 'in', ['queued', 'running'])
    .groupBy(['kind', 'status'])
    .orderBy('kind')
    .execute();
  return rows.map(({ kind, status, count }) => ({
    kind,
    status: status as 'queued' | 'running',
    count: Number(count),
  }));
}

/** Every destination is there, so that a sum that goes back to nothing shows. */
async function missingCopies(db: CatalogDb): Promise<CatalogFacts['missingCopies']> {
  const rows = await db
    .selectFrom('documents')
    .leftJoin('backup_copies', (join) =>
      join
        .onRef('backup_copies.destination_id', '=', 'documents.id')
        .on('backup_copies.state', 'in', ['missing', 'failed']),
    )
    .select((eb) => ['documents.name', eb.fn.count('backup_copies.backup_id').as('count')])
    .where('documents.kind', '=', 'destination')
    .where('documents.deleted_at', 'is', null)
    .groupBy('documents.name')
    .orderBy('documents.name')
    .execute();
  return rows.map(({ name, count }) => ({ destination: name, count: Number(count) }));
}

/** The latest of each plan that is there, whatever it found. A trial says nothing about the plan. */
async function latestDrills(db: CatalogDb): Promise<DrillFact[]> {
  const rows = await db
    .selectFrom('drills')
    .select(['plan', 'tenant_id', 'result', 'started_at', 'recovery_ms', 'data_age_ms'])
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('drills as latest')
        .select((inner) => inner.fn.max('latest.id').as('id'))
        .where('latest.trial', '=', 0)
        .where('latest.plan', 'is not', null)
        .groupBy(['latest.plan', 'latest.tenant_id']),
    )
    .orderBy('plan')
    .execute();
  // Of a plan that is gone nobody is told any more, and a name may be another tenant's by now.
  const plans = new Map((await listDocuments(db, 'plan')).map(({ name, tenantId }) => [name, tenantId]));
  return rows.flatMap((row) =>
    row.plan !== null && plans.get(row.plan) === row.tenant_id ? [{ ...row, plan: row.plan }] : [],
  );
}

/** Waiting now, and given up during the last day. */
async function noticesOf(db: CatalogDb, nowMs: number): Promise<CatalogFacts['notices']> {
  const channels = await db
    .selectFrom('documents')
    .select(['id', 'name'])
    .where('kind', '=', 'channel')
    .where('deleted_at', 'is', null)
    .orderBy('name')
    .execute();
  const counted = async (status: 'waiting' | 'failed') => {
    let query = db
      .selectFrom('notice_deliveries')
      .select((eb) => ['channel_id', eb.fn.countAll().as('count')])
      .where('status', '=', status);
    if (status === 'failed') query = query.where('finished_at', '>', nowMs - DAY_MS);
    const rows = await query.groupBy('channel_id').execute();
    return new Map(rows.map(({ channel_id, count }) => [channel_id, Number(count)]));
  };
  const waiting = await counted('waiting');
  const failed = await counted('failed');
  return channels.map(({ id, name }) => ({
    channel: name,
    waiting: waiting.get(id) ?? 0,
    failed: failed.get(id) ?? 0,
  }));
}
