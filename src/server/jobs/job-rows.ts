import type { Selectable } from 'kysely';
import type { JobEventsTable, JobsTable } from '../catalog/tables/jobs.ts';
import type { Job, JobError, JobEvent } from './port.ts';

export type JobRow = Selectable<JobsTable>;

const parsed = (text: string | null) => (text === null ? null : JSON.parse(text));

export function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    tenantId: row.tenant_id,
    planId: row.plan_id,
    plan: row.plan,
    part: row.part,
    payload: parsed(row.payload),
    label: row.label,
    priority: row.priority,
    createdAtMs: row.created_at,
    runAfterMs: row.run_after,
    startedAtMs: row.started_at,
    finishedAtMs: row.finished_at,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    workerId: row.worker_id,
    cancelRequestedAtMs: row.cancel_requested_at,
    slotAtMs: row.slot_at,
    progress: parsed(row.progress),
    lastEvent: row.last_event,
    result: parsed(row.result),
    error: errorOf(row),
  };
}

function errorOf(row: JobRow): JobError | null {
  if (row.error_code === null) return null;
  return { code: row.error_code, message: row.error_message ?? '', next: row.error_next ?? '' };
}

export function eventOf(row: Selectable<JobEventsTable>): JobEvent {
  return { seq: row.seq, atMs: row.at, kind: row.kind, data: JSON.parse(row.data) };
}
