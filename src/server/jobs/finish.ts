import { HoldfastError } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Delivery } from './delivery.ts';
import type { Hints } from './hints.ts';
import { addEvent } from './job-events.ts';
import { QUEUED } from './job-literals.ts';
import { type JobRow, jobOf } from './job-rows.ts';
import type { Job, JobError, Recorder } from './port.ts';

export interface FinishParts {
  readonly delivery: Delivery;
  readonly hints: Hints;
  /** Called in the transaction in which a job ends, whatever way it does. */
  onEnded(trx: CatalogDb, job: Job): Promise<void>;
}

export type Ending =
  | { readonly status: 'succeeded'; readonly result: unknown; readonly record?: Recorder }
  | { readonly status: 'skipped'; readonly error: JobError; readonly record?: Recorder }
  | {
      readonly status: 'failed' | 'interrupted';
      readonly error: JobError;
      readonly result?: unknown;
      readonly record?: Recorder;
    };

/** What a worker holds; any other token means that the job was taken away from it. */
export interface Hold {
  readonly jobId: string;
  readonly token: string;
}

/** Ends a job that is held. Throws `lease_lost` when it is not any more; then nothing was written. */
export async function finishIn(
  trx: CatalogDb,
  hold: Hold,
  ending: Ending,
  nowMs: number,
  parts: FinishParts,
): Promise<void> {
  const ended = await trx
    .updateTable('jobs')
    .set(endedColumns(ending, nowMs))
    .where('id', '=', hold.jobId)
    .where('lease_token', '=', hold.token)
    .where('status', '=', 'running')
    .returningAll()
    .executeTakeFirst();
  if (!ended) throw new HoldfastError('lease_lost', `job ${hold.jobId} was taken over by another worker`);
  if ('record' in ending) await ending.record?.(trx);
  await afterEnd(trx, ended, nowMs, parts);
}

/**
 * Ends a job that nobody holds: cancelled before it began, or left by a worker that died. False when it is not as `job` has it
 * any more.
 */
export async function endIn(
  trx: CatalogDb,
  job: JobRow,
  error: JobError,
  nowMs: number,
  parts: FinishParts,
): Promise<boolean> {
  const ended = await updateUnchanged(trx, job)
    .set(endedColumns({ status: 'interrupted', error }, nowMs))
    .returningAll()
    .executeTakeFirst();
  if (ended) await afterEnd(trx, ended, nowMs, parts);
  return ended !== undefined;
}

/** The row, unless somebody ended, took or lost it since it was read. */
function updateUnchanged(trx: CatalogDb, { id, status, lease_token, lease_until }: JobRow) {
  const update = trx.updateTable('jobs').where('id', '=', id).where('status', '=', status);
  // A worker that renewed its lease in the last moment keeps the job.
  return lease_token === null
    ? update.where('lease_token', 'is', null)
    : update.where('lease_token', '=', lease_token).where('lease_until', '=', lease_until);
}

/** Puts a running job back, to be taken at `runAfterMs` or later. False when it is not as `job` has it any more. */
export async function putBackIn(
  trx: CatalogDb,
  job: JobRow,
  back: { runAfterMs: number; attempt: number; error: JobError; nowMs: number },
  parts: FinishParts,
): Promise<boolean> {
  const { runAfterMs, attempt, error, nowMs } = back;
  const row = await updateUnchanged(trx, job)
    .set({
      status: 'queued',
      run_after: runAfterMs,
      attempt,
      lease_until: null,
      lease_token: null,
      ...errorColumns(error),
    })
    .returningAll()
    .executeTakeFirst();
  if (!row) return false;
  await addEvent(trx, job.id, nowMs, 'status', { status: 'queued', runAfterMs, error });
  await parts.delivery.announce(trx, row);
  await letNextOfKeyGo(trx, row, parts);
  await parts.hints.send({ type: 'job', id: job.id }, trx);
  await parts.hints.send({ type: 'due' }, trx);
  return true;
}

function endedColumns(ending: Ending, nowMs: number) {
  return {
    status: ending.status,
    finished_at: nowMs,
    lease_until: null,
    lease_token: null,
    result: 'result' in ending ? JSON.stringify(ending.result ?? null) : null,
    ...errorColumns('error' in ending ? ending.error : null),
  };
}

function errorColumns(error: JobError | null) {
  return {
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
    error_next: error?.next ?? null,
  };
}

async function afterEnd(trx: CatalogDb, ended: JobRow, nowMs: number, parts: FinishParts): Promise<void> {
  const job = jobOf(ended);
  await addEvent(trx, ended.id, nowMs, 'status', {
    status: ended.status,
    ...(job.error ? { error: job.error } : {}),
  });
  await parts.onEnded(trx, job);
  await letNextOfKeyGo(trx, ended, parts);
  await parts.hints.send({ type: 'job', id: ended.id }, trx);
  await parts.hints.send({ type: 'due' }, trx);
}

/** A job that could not be claimed while this one ran was not kept by the delivery: it is announced now. */
async function letNextOfKeyGo(trx: CatalogDb, { concurrency_key: key }: JobRow, parts: FinishParts) {
  if (key === null) return;
  const next = await trx
    .selectFrom('jobs')
    .selectAll()
    .where('concurrency_key', '=', key)
    .where('status', '=', QUEUED)
    .orderBy('priority', 'desc')
    .orderBy('run_after')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  if (next) await parts.delivery.announce(trx, next);
}
