import { recordEvent } from '../catalog/events.ts';
import type { EventKind } from '../catalog/tables/events.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job } from '../jobs/port.ts';
import type {
  BackupResult,
  DrillPayload,
  DrillResult,
  TableRetentionPayload,
  TableRetentionResult,
} from './port.ts';
import { recordDrill } from './record-drill.ts';

/** For the queue's `onEnded`: every end of a run becomes an event, in the same transaction, whoever ended it. */
export async function recordEnd(trx: CatalogDb, job: Job): Promise<void> {
  if (isLostDrill(job)) await recordLostDrill(trx, job);
  const kind = kindOf(job);
  if (kind === null) return;
  const backups = job.kind === 'backup' ? ((job.result as BackupResult | null)?.backups ?? []) : [];
  const drill = job.kind === 'drill' ? (job.result as DrillResult | null) : null;
  await recordEvent(trx, {
    kind,
    atMs: job.finishedAtMs!,
    tenantId: job.tenantId,
    planId: job.planId,
    plan: job.plan,
    jobId: job.id,
    backupId: backups[0]?.backupId ?? drill?.backupId ?? null,
    data: {
      kind: job.kind,
      status: job.status,
      part: job.part,
      attempt: job.attempt,
      durationMs: job.startedAtMs === null ? null : job.finishedAtMs! - job.startedAtMs,
      error: job.error,
      ...(backups.length > 0 ? { backups } : {}),
      ...(drill ? { drill } : {}),
      ...(job.kind === 'table-retention' ? { table: tableOf(job) } : {}),
    },
    dedupeKey: `ended:${job.id}`,
  });
}

function tableOf({ payload, result }: Job) {
  const { source, table } = payload as TableRetentionPayload;
  return { source, table, deleted: (result as TableRetentionResult | null)?.deleted ?? null };
}

/** One whose workers ended again and again. What somebody cancelled says nothing. */
const isLostDrill = ({ kind, status, cancelRequestedAtMs }: Job) =>
  kind === 'drill' && status === 'interrupted' && cancelRequestedAtMs === null;

/** Not to run is to fail. No machine was there to sign that. */
function recordLostDrill(trx: CatalogDb, job: Job): Promise<void> {
  const finishedAtMs = job.finishedAtMs!;
  const startedAtMs = job.startedAtMs ?? finishedAtMs;
  return recordDrill(trx, job, { startedAtMs, finishedAtMs, failure: job.error! });
}

/** Null for what nobody waits for: a cancelled piece of maintenance, a trial of checks that somebody looks at. */
function kindOf(job: Job): EventKind | null {
  const { kind, status, error } = job;
  if (kind === 'drill') {
    if ((job.payload as DrillPayload).checks !== null) return null;
    if (status === 'succeeded') return 'drill_completed';
    return status === 'interrupted' && !isLostDrill(job) ? null : 'drill_failed';
  }
  if (kind === 'backup') {
    if (status === 'succeeded') return 'backup_completed';
    if (status === 'failed') return error?.code === 'copy_missing' ? 'copy_missing' : 'backup_failed';
    return status === 'skipped' ? 'backup_skipped' : 'backup_interrupted';
  }
  if (kind === 'custom') return status === 'failed' ? 'job_failed' : null;
  const what = kind === 'table-retention' ? 'table_retention' : kind;
  if (status === 'succeeded') return `${what}_completed`;
  return status === 'failed' ? `${what}_failed` : null;
}
