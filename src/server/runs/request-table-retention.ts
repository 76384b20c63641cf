/** How table retention is asked for, whoever asks: it becomes a job for each table. */
import { MINUTE_MS } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { RetainedTableRule } from '../configuration/retained-tables.ts';
import { settingValues } from '../configuration/settings.ts';
import { type Job, type JobQueue, PRIORITY } from '../jobs/port.ts';
import type { TableRetentionPayload } from '../worker/port.ts';

/** Asks in this transaction. `created` is false when it is queued or running, or its slot was taken. */
export async function requestTableRetention(
  trx: CatalogDb,
  queue: JobQueue,
  { source, table }: RetainedTableRule,
  asked: Pick<TableRetentionPayload, 'via' | 'requestedBy'> & { readonly slotAtMs?: number },
): Promise<{ readonly job: Job; readonly created: boolean }> {
  const { slotAtMs = null, via, requestedBy } = asked;
  const { tenantId } = source;
  const settings = await settingValues(trx, tenantId);
  const payload: TableRetentionPayload = { source: source.name, table, via, requestedBy };
  const about = `table-retention:${source.id}:${table}`;
  return queue.enqueue(
    {
      ...{ kind: 'table-retention', payload, tenantId, slotAtMs, singletonKey: about },
      priority: slotAtMs === null ? PRIORITY.requested : PRIORITY.maintenance,
      // Two tables of one database would take twice from it.
      concurrencyKey: `table-retention:${source.id}`,
      idempotencyKey: slotAtMs === null ? null : `${about}:${slotAtMs}`,
      hangingAfterMs: settings['runs.hangingAfterMinutes'] * MINUTE_MS,
    },
    trx,
  );
}
