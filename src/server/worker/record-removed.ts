import { DAY_MS } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job } from '../jobs/port.ts';
import { requestPrune } from '../runs/request-maintenance.ts';
import { settleArchived } from './record-backups.ts';
import type { RunnerParts } from './runner-parts.ts';

/** As long as the engine keeps what was archived, and a day for clocks that differ. */
const ARCHIVE_MS = 31 * DAY_MS;

/** What retention moved to the archive of one destination. */
export interface RemovedAt {
  readonly destination: string;
  readonly destinationId: string;
  readonly ids: readonly string[];
}

/** What retention of a plan did. The space is asked back; what has lain in the archive for its time is gone there, and its entry here goes with it. */
export async function recordRemoved(
  trx: CatalogDb,
  { catalog, queue }: Pick<RunnerParts, 'catalog' | 'queue'>,
  { plan, job }: { readonly plan: string; readonly job: Pick<Job, 'label'> },
  removed: readonly RemovedAt[],
): Promise<void> {
  const nowMs = catalog.clock.nowMs();
  for (const { destination, destinationId, ids } of removed) {
    for (const id of ids) {
      await trx
        .updateTable('backup_copies')
        .set({ state: 'archived', seen_at: nowMs })
        .where('backup_id', '=', id)
        .where('destination_id', '=', destinationId)
        .execute();
    }
    await settleArchived(trx, ids, nowMs);
    await requestPrune(trx, queue, destination, job, nowMs);
  }
  await trx
    .deleteFrom('backups')
    .where('plan', '=', plan)
    .where('archived_at', '<', nowMs - ARCHIVE_MS)
    .execute();
}
