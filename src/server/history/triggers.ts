/** Every request for a run and what became of it. */

import { listPage } from '../catalog/pages.ts';
import type { TriggersTable } from '../catalog/tables/jobs.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { JobStatus } from '../jobs/port.ts';
import type { HistoryPage } from './backups.ts';

export interface TriggerEntry {
  readonly id: string;
  readonly atMs: number;
  readonly via: TriggersTable['via'];
  readonly requestedBy: string | null;
  readonly tenantId: string | null;
  readonly planId: string | null;
  readonly plan: string | null;
  readonly part: string | null;
  readonly type: TriggersTable['type'];
  readonly outcome: TriggersTable['outcome'];
  readonly message: string | null;
  readonly jobId: string | null;
  /** How the run stands; null when the request was refused. */
  readonly status: JobStatus | null;
  readonly finishedAtMs: number | null;
  /** Why the run did not succeed; null while it may. */
  readonly error: string | null;
}

export interface TriggerFilter {
  /** Null is global; absent is all. */
  readonly tenantId?: string | null;
  readonly planId?: string;
}

/** Newest first. */
export async function listTriggers(
  db: CatalogDb,
  { tenantId, planId }: TriggerFilter,
  { limit, after }: HistoryPage,
): Promise<{ readonly items: readonly TriggerEntry[]; readonly next: string | null }> {
  let query = db
    .selectFrom('triggers as trigger')
    .leftJoin('jobs as job', 'job.id', 'trigger.job_id')
    .selectAll('trigger')
    .select(['job.status', 'job.finished_at', 'job.error_message'])
    .orderBy('trigger.id', 'desc')
    .limit(limit + 1);
  if (after !== null) query = query.where('trigger.id', '<', after);
  if (tenantId === null) query = query.where('trigger.tenant_id', 'is', null);
  else if (tenantId !== undefined) query = query.where('trigger.tenant_id', '=', tenantId);
  if (planId !== undefined) query = query.where('trigger.plan_id', '=', planId);
  const entries = (await query.execute()).map(
    (row): TriggerEntry => ({
      id: row.id,
      atMs: row.at,
      via: row.via,
      requestedBy: row.requested_by,
      tenantId: row.tenant_id,
      planId: row.plan_id,
      plan: row.plan,
      part: row.part,
      type: row.type,
      outcome: row.outcome,
      message: row.message,
      jobId: row.job_id,
      status: row.status,
      finishedAtMs: row.finished_at,
      error: row.error_message,
    }),
  );
  return listPage(entries, limit, ({ id }) => id);
}
