import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { endIn, type FinishParts, putBackIn } from './finish.ts';
import { RUNNING } from './job-literals.ts';
import type { JobRow } from './job-rows.ts';
import type { JobError } from './port.ts';

/** At once; more wait for the next round, so that no transaction holds others up for long. */
const AT_ONCE = 100;

const LOST: JobError = {
  code: 'worker_lost',
  message: 'the worker ended, or was cut off, while the job ran',
  next: 'see the log of the worker; the next run goes on from what is stored',
};

/**
 * Takes jobs away from workers whose lease ended. One with attempts left is queued again, one without or one that was
 * cancelled ends as interrupted. Gives their ids.
 */
export async function takeBackLost(
  catalog: Catalog,
  nowMs: number,
  parts: FinishParts,
): Promise<readonly string[]> {
  // Looked at without the lock first: nearly always there is nothing to do.
  if ((await lostJobs(catalog.db, nowMs, 1)).length === 0) return [];
  return catalog.exclusive('claims', async (trx) => {
    const taken: string[] = [];
    for (const job of await lostJobs(trx, nowMs, AT_ONCE)) {
      const isOver = job.cancel_requested_at !== null || job.attempt >= job.max_attempts;
      const done = isOver
        ? await endIn(trx, job, LOST, nowMs, parts)
        : await putBackIn(trx, job, { runAfterMs: nowMs, attempt: job.attempt, error: LOST, nowMs }, parts);
      if (done) taken.push(job.id);
    }
    return taken;
  });
}

function lostJobs(db: CatalogDb, nowMs: number, count: number): Promise<JobRow[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('status', '=', RUNNING)
    .where('lease_until', '<', nowMs)
    .orderBy('lease_until')
    .limit(count)
    .execute();
}
