import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CatalogDb } from '../catalog/types.ts';
import { addEvent } from './job-events.ts';
import { QUEUED, RUNNING } from './job-literals.ts';
import type { JobRow } from './job-rows.ts';

export interface ClaimRequest {
  readonly workerId: string;
  readonly nowMs: number;
  /** How long the job is the worker's unless it renews. */
  readonly holdMs: number;
  /** Running jobs at most, in all workers together; null for no limit. */
  readonly limit: number | null;
}

export type Claim = { readonly claimed: JobRow } | { readonly refused: 'gone' | 'early' | 'busy' | 'limit' };

/**
 * Takes one job for a worker. `gone`: it is not queued any more. `early`: not due yet. `busy`: another of its concurrency key
 * runs. `limit`: as many run as may. Runs alone, in an exclusive transaction: counts and keys hold until it ends.
 */
export async function claimIn(trx: CatalogDb, jobId: string, request: ClaimRequest): Promise<Claim> {
  const { workerId, nowMs, holdMs, limit } = request;
  const job = await trx.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst();
  if (job?.status !== 'queued') return { refused: 'gone' };
  if (job.run_after > nowMs) return { refused: 'early' };
  if (job.concurrency_key !== null && (await isBusy(trx, job.concurrency_key))) return { refused: 'busy' };
  if (limit !== null && (await countRunning(trx)) >= limit) return { refused: 'limit' };
  const claimed = await trx
    .updateTable('jobs')
    .set({
      status: 'running',
      started_at: nowMs,
      attempt: job.attempt + 1,
      lease_until: nowMs + holdMs,
      lease_token: randomUUID(),
      worker_id: workerId,
      progress: null,
      error_code: null,
      error_message: null,
      error_next: null,
    })
    .where('id', '=', jobId)
    .where('status', '=', 'queued')
    .returningAll()
    .executeTakeFirst();
  if (!claimed) return { refused: 'gone' };
  await addEvent(trx, jobId, nowMs, 'status', { status: 'running', attempt: claimed.attempt, workerId });
  return { claimed: { ...claimed, last_event: claimed.last_event + 1 } };
}

async function isBusy(trx: CatalogDb, key: string): Promise<boolean> {
  const running = await trx
    .selectFrom('jobs')
    .select('id')
    .where('concurrency_key', '=', key)
    .where('status', '=', RUNNING)
    .executeTakeFirst();
  return running !== undefined;
}

export async function countRunning(db: CatalogDb): Promise<number> {
  const { count } = await db
    .selectFrom('jobs')
    .select(sql<number>`count(*)`.as('count'))
    .where('status', '=', RUNNING)
    .executeTakeFirstOrThrow();
  return count;
}

/** Due jobs for these labels in the order they should be taken, without those whose key is busy. */
export async function dueJobs(
  db: CatalogDb,
  labels: readonly (string | null)[],
  nowMs: number,
  count: number,
): Promise<string[]> {
  const named = labels.filter((label) => label !== null);
  const rows = await db
    .selectFrom('jobs as job')
    .select('job.id')
    .where('job.status', '=', QUEUED)
    .where('job.run_after', '<=', nowMs)
    .where((eb) =>
      eb.or([
        ...(labels.includes(null) ? [eb('job.label', 'is', null)] : []),
        ...(named.length > 0 ? [eb('job.label', 'in', named)] : []),
      ]),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('jobs as other')
            .select('other.id')
            .whereRef('other.concurrency_key', '=', 'job.concurrency_key')
            .where('other.status', '=', RUNNING),
        ),
      ),
    )
    .orderBy('job.priority', 'desc')
    .orderBy('job.run_after')
    .orderBy('job.id')
    .limit(count)
    .execute();
  return rows.map(({ id }) => id);
}
