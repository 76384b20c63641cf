import { iso, isoOrNull } from '../../contracts/api/common.ts';
import { jobOf } from '../jobs/job-rows.ts';
import type { BackupResult } from '../worker/port.ts';
import type { ServerContext } from './context.ts';
import { pageOf } from './page-of.ts';
import { progressPayload } from './payloads.ts';
import { redact } from './redact.ts';

export interface HistoryRequest {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly tenant_id?: string | undefined;
  readonly plan?: string | undefined;
}

/** Every request for a run and what became of it, newest first. `visible`: see `visibleTenants`. */
export async function triggerHistory(
  { catalog: { db } }: ServerContext,
  visible: readonly string[] | null,
  { limit, after, tenant_id, plan }: HistoryRequest,
) {
  let query = db
    .selectFrom('triggers')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (after !== undefined) query = query.where('id', '<', after);
  if (visible !== null) query = query.where('tenant_id', 'in', visible.length > 0 ? [...visible] : ['']);
  if (tenant_id !== undefined) query = query.where('tenant_id', '=', tenant_id);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  const rows = await query.execute();
  const ids = rows.flatMap(({ job_id }) => (job_id === null ? [] : [job_id]));
  const found =
    ids.length === 0 ? [] : await db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute();
  const jobs = new Map(found.map((row) => [row.id, jobOf(row)]));
  const items = rows.map((row) => {
    const job = row.job_id === null ? undefined : jobs.get(row.job_id);
    const result = job?.kind === 'backup' ? (job.result as BackupResult | null) : null;
    return {
      ...{ id: row.id, timestamp: iso(row.at), via: row.via, requested_by: row.requested_by },
      ...{ tenant_id: row.tenant_id, plan: row.plan, part: row.part, type: row.type, outcome: row.outcome },
      message: row.message && redact(row.message),
      job_id: row.job_id,
      status: job?.status ?? null,
      started_at: isoOrNull(job?.startedAtMs ?? null),
      finished_at: isoOrNull(job?.finishedAtMs ?? null),
      backup_id: result?.backups[0]?.backupId ?? null,
      error: job?.error ? { ...job.error, message: redact(job.error.message) } : null,
      progress: job?.progress ? progressPayload(job.progress) : null,
    };
  });
  return pageOf(items, limit, ({ id }) => id);
}
