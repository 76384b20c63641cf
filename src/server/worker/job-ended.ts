import { recordEvent } from '../catalog/events.ts';
import type { EventKind } from '../catalog/tables/events.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job } from '../jobs/port.ts';
import type { BackupResult } from './port.ts';

/** For the queue's `onEnded`: every end of a run becomes an event, in the same transaction, whoever ended it. */
export async function recordEnd(trx: CatalogDb, job: Job): Promise<void> {
  const kind = kindOf(job);
  if (kind === null) return;
  const backups = job.kind === 'backup' ? ((job.result as BackupResult | null)?.backups ?? []) : [];
  await recordEvent(trx, {
    kind,
    atMs: job.finishedAtMs!,
    tenantId: job.tenantId,
    planId: job.planId,
    plan: job.plan,
    jobId: job.id,
    backupId: backups[0]?.backupId ?? null,
    data: {
      kind: job.kind,
      status: job.status,
      part: job.part,
      attempt: job.attempt,
      durationMs: job.startedAtMs === null ? null : job.finishedAtMs! - job.startedAtMs,
      error: job.error,
      ...(backups.length > 0 ? { backups } : {}),
    },
    dedupeKey: `ended:${job.id}`,
  });
}

/** Null for what nobody waits for: a cancelled piece of maintenance. */
function kindOf({ kind, status, error }: Job): EventKind | null {
  if (kind === 'backup') {
    if (status === 'succeeded') return 'backup_completed';
    if (status === 'failed') return error?.code === 'copy_missing' ? 'copy_missing' : 'backup_failed';
    return status === 'skipped' ? 'backup_skipped' : 'backup_interrupted';
  }
  if (kind === 'custom') return status === 'failed' ? 'job_failed' : null;
  if (status === 'succeeded') return `${kind}_completed`;
  return status === 'failed' ? `${kind}_failed` : null;
}
