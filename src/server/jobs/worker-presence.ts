import type { JobWorkersTable } from '../catalog/tables/jobs.ts';
import type { QueueParts } from './queue-parts.ts';

const SEEN_MS = 10_000;
/** A worker that was not seen for this long is gone. */
export const WORKER_GONE_MS = 3 * SEEN_MS;

/** Keeps a worker in the list of workers, so that a job whose label nobody carries can be told from one that waits. */
export function announceWorker(
  { catalog, options, nowMs }: QueueParts,
  { id, host, pid, labels }: Pick<JobWorkersTable, 'id' | 'host' | 'pid'> & { labels: readonly string[] },
): { end(): Promise<void> } {
  const startedAtMs = nowMs();
  const seen = async () => {
    const row = { id, host, pid, labels: JSON.stringify(labels), started_at: startedAtMs, seen_at: nowMs() };
    await catalog.db
      .insertInto('job_workers')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_at: row.seen_at }))
      .execute();
    await catalog.db
      .deleteFrom('job_workers')
      .where('seen_at', '<', row.seen_at - 100 * SEEN_MS)
      .execute();
  };
  let last = seen().catch(options.onError);
  const timer = setInterval(() => {
    last = seen().catch(options.onError);
  }, SEEN_MS);
  return {
    async end() {
      clearInterval(timer);
      await last;
      await catalog.db.deleteFrom('job_workers').where('id', '=', id).execute().catch(options.onError);
    },
  };
}
