import { iso, isoOrNull } from '../../contracts/api/common.ts';
import { listTriggers, type TriggerEntry } from '../history/triggers.ts';
import type { BackupResult } from '../worker/port.ts';
import type { ServerContext } from './context.ts';
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
  { catalog }: ServerContext,
  visible: readonly string[] | null,
  { limit, after = '', tenant_id: tenantId, plan }: HistoryRequest,
) {
  const filter = { visible, tenantId, plan };
  const { items, next } = await listTriggers(catalog.db, filter, { limit, after: after || null });
  return { items: items.map(triggerPayload), next };
}

function triggerPayload({ job, ...entry }: TriggerEntry) {
  const { id, via, plan, part, type, outcome, message } = entry;
  const result = job?.kind === 'backup' ? (job.result as BackupResult | null) : null;
  return {
    ...{ id, timestamp: iso(entry.atMs), via, requested_by: entry.requestedBy },
    ...{ tenant_id: entry.tenantId, plan, part, type, outcome },
    message: message && redact(message),
    job_id: entry.jobId,
    status: job?.status ?? null,
    started_at: isoOrNull(job?.startedAtMs ?? null),
    finished_at: isoOrNull(job?.finishedAtMs ?? null),
    backup_id: result?.backups[0]?.backupId ?? null,
    error: job?.error ? { ...job.error, message: redact(job.error.message) } : null,
    progress: job?.progress ? progressPayload(job.progress) : null,
  };
}
