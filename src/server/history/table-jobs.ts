import type { JobStatus } from '../catalog/tables/jobs.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { StoredDocument } from '../configuration/documents.ts';
import type { TableRetentionPayload, TableRetentionResult } from '../worker/port.ts';

export interface TableJob {
  readonly id: string;
  readonly status: JobStatus;
  readonly finishedAtMs: number | null;
  readonly deleted: number | null;
  readonly error: string | null;
}

/** So many of the latest jobs of the kind are looked at. */
const LOOKED_AT = 1000;

/** The newest job of a table; null when there is none. */
export async function lastTableJob(
  db: CatalogDb,
  source: Pick<StoredDocument<'source'>, 'name' | 'createdAtMs'>,
  table: string,
): Promise<TableJob | null> {
  const rows = await db
    .selectFrom('jobs')
    .select(['id', 'status', 'finished_at', 'payload', 'result', 'error_message'])
    .where('kind', '=', 'table-retention')
    // One of that name from before was another source.
    .where('created_at', '>=', source.createdAtMs)
    .orderBy('id', 'desc')
    .limit(LOOKED_AT)
    .execute();
  const row = rows.find(({ payload }) => {
    const of = JSON.parse(payload) as TableRetentionPayload;
    return of.source === source.name && of.table === table;
  });
  if (!row) return null;
  const result = row.result === null ? null : (JSON.parse(row.result) as TableRetentionResult | null);
  return {
    ...{ id: row.id, status: row.status, finishedAtMs: row.finished_at },
    ...{ deleted: result?.deleted ?? null, error: row.error_message },
  };
}
