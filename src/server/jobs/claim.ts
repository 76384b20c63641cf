import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CatalogDb } from '../catalog/types.ts';
import { addEvent } from './job-events.ts';
import { RUNNING } from './job-literals.ts';
import type { JobRow } from './job-rows.ts';
import { nextJob, takeTurn } from './next-job.ts';

export interface ClaimRequest {
  readonly workerId: string;
  readonly nowMs: number;
  /** How long the job is the worker's unless it renews. */
  readonly holdMs: number;
  /** Running jobs at most, in all workers together; null for no limit. */
  readonly limit: number | null;
}

export type Claim = { readonly claimed: JobRow } | { readonly refused: 'none' | 'limit' };

/**
 * Takes the job that is next for these labels. `none`: nothing is due that may run. `limit`: as many run as may. Runs alone, in an
 * exclusive transaction: turns, counts and keys hold until it ends.
 */
export async function claimNextIn(
  trx: CatalogDb,
  labels: readonly (string | null)[],
  { workerId, nowMs, holdMs, limit }: ClaimRequest,
): Promise<Claim> {
  const next = await nextJob(trx, labels, nowMs);
  if (!next) return { refused: 'none' };
  if (limit !== null && (await countRunning(trx)) >= limit) return { refused: 'limit' };
  const claimed = await trx
    .updateTable('jobs')
    .set((eb) => ({
      status: 'running' as const,
      started_at: nowMs,
      attempt: eb('attempt', '+', 1),
      lease_until: nowMs + holdMs,
      lease_token: randomUUID(),
      worker_id: workerId,
      progress: null,
      error_code: null,
      error_message: null,
      error_next: null,
    }))
    .where('id', '=', next.id)
    .where('status', '=', 'queued')
    .returningAll()
    .executeTakeFirst();
  if (!claimed) return { refused: 'none' };
  await takeTurn(trx, next.tenant);
  await addEvent(trx, next.id, nowMs, 'status', { status: 'running', attempt: claimed.attempt, workerId });
  return { claimed: { ...claimed, last_event: claimed.last_event + 1 } };
}

export async function countRunning(db: CatalogDb): Promise<number> {
  const { count } = await db
    .selectFrom('jobs')
    .select(sql<number>`count(*)`.as('count'))
    .where('status', '=', RUNNING)
    .executeTakeFirstOrThrow();
  return count;
}
