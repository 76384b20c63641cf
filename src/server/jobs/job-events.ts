import type { CatalogDb } from '../catalog/types.ts';
import type { JobEvent } from './port.ts';

/**
 * Adds the next event of a job. The row of the job is locked until the transaction ends, so numbers have no gaps and come in
 * the order in which they are seen.
 */
export async function addEvent(
  trx: CatalogDb,
  jobId: string,
  atMs: number,
  kind: JobEvent['kind'],
  data: JobEvent['data'],
): Promise<void> {
  const { last_event: seq } = await trx
    .updateTable('jobs')
    .set((eb) => ({ last_event: eb('last_event', '+', 1) }))
    .where('id', '=', jobId)
    .returning('last_event')
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('job_events')
    .values({ job_id: jobId, seq, at: atMs, kind, data: JSON.stringify(data) })
    .execute();
}
