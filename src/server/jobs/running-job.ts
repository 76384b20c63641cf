import { setTimeout as sleep } from 'node:timers/promises';
import { asHoldfastError, HoldfastError } from '../../engine/index.ts';
import { isTransient } from '../catalog/transient.ts';
import { type Ending, finishIn, type Hold, putBackIn } from './finish.ts';
import { holdLease, type StopReason } from './job-lease.ts';
import { openReports } from './job-reports.ts';
import { type JobRow, jobOf } from './job-rows.ts';
import type { JobContext, JobError, JobHandler } from './port.ts';
import type { QueueParts } from './queue-parts.ts';
import { retryDelayMs } from './retry-delay.ts';

/** A job under way in this process. */
export interface RunningJob {
  readonly id: string;
  /** Fulfilled when it ended or was given up; never rejected. */
  readonly done: Promise<void>;
  /** Renews the lease and learns of a cancellation. */
  renew(): Promise<void>;
  /** Tells it to stop and puts it back for another worker. */
  giveBack(): void;
}

const FINISH_AGAIN_MS = 500;

/** Begins a job that was just claimed. */
export function runJob(parts: QueueParts, row: JobRow, handle: JobHandler): RunningJob {
  const hold: Hold = { jobId: row.id, token: row.lease_token! };
  const ending = new AbortController();
  let stopped: StopReason | null = null;
  const stop = (reason: StopReason) => {
    stopped ??= reason;
    ending.abort(new HoldfastError('interrupted', `the job was told to stop: ${reason}`));
  };
  const lease = holdLease(parts, hold, stop);
  const reports = openReports(parts, hold);
  const context: JobContext = { signal: ending.signal, report: reports.report, warn: reports.warn };
  const work = async () => {
    const end = await endingOf(
      parts,
      row,
      () => handle(jobOf(row), context),
      () => stopped,
    );
    await reports.settle();
    await settle(parts, hold, row, end);
  };
  const done = work()
    .catch(parts.options.onError)
    .finally(() => lease.end());
  return { id: row.id, done, renew: lease.renew, giveBack: () => stop('worker stops') };
}

type End =
  | Ending
  | {
      readonly status: 'again';
      readonly runAfterMs: number;
      readonly attempt: number;
      readonly error: JobError;
    }
  | null;

/** Runs the handler and decides what its end means; null when nothing may be written any more. */
async function endingOf(
  { nowMs, options }: QueueParts,
  row: JobRow,
  work: () => ReturnType<JobHandler>,
  stopped: () => StopReason | null,
): Promise<End> {
  try {
    const outcome = await work();
    // Work that got done in spite of a stop is done.
    if (outcome.status === 'succeeded') return outcome;
    const { reason: error, ...rest } = outcome;
    return { ...rest, error };
  } catch (thrown) {
    const reason = stopped();
    if (reason === 'lease lost') return null;
    const error = reason === null ? asHoldfastError(thrown) : stoppedError(reason);
    const facts: JobError = { code: error.code, message: error.message, next: error.next };
    if (reason === 'worker stops') {
      return { status: 'again', runAfterMs: nowMs(), attempt: row.attempt - 1, error: facts };
    }
    const isInterrupted = reason === 'cancelled' || error.code === 'interrupted';
    if (isInterrupted) return { status: 'interrupted', error: facts };
    if (error.code === 'space_low') return { status: 'skipped', error: facts };
    if (!error.retryable || row.attempt >= row.max_attempts) return { status: 'failed', error: facts };
    const delayMs = retryDelayMs(row.attempt, options.random(), options.retryFirstMs);
    return { status: 'again', runAfterMs: nowMs() + delayMs, attempt: row.attempt, error: facts };
  }
}

const stoppedError = (reason: StopReason) =>
  reason === 'cancelled'
    ? new HoldfastError('interrupted', 'it was cancelled', {
        next: 'start it again if it is wanted after all',
      })
    : new HoldfastError('interrupted', 'its worker was stopped', { next: 'another worker goes on' });

/** Tries until the catalog answers: what was done must not be forgotten because it was down for a moment. */
async function settle(parts: QueueParts, hold: Hold, row: JobRow, end: End): Promise<void> {
  let wanted = end;
  while (wanted !== null && !parts.isClosed()) {
    try {
      return await writeEnd(parts, hold, row, wanted);
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'lease_lost') throw error;
      parts.options.onError(error);
      if (isTransient(error)) await sleep(FINISH_AGAIN_MS);
      else if (wanted.status === 'failed') throw error;
      else wanted = { status: 'failed', error: asHoldfastError(error) };
    }
  }
}

function writeEnd(parts: QueueParts, hold: Hold, row: JobRow, end: NonNullable<End>): Promise<void> {
  return parts.catalog.transaction(async (trx) => {
    const nowMs = parts.nowMs();
    if (end.status !== 'again') return finishIn(trx, hold, end, nowMs, parts);
    const held = await trx
      .selectFrom('jobs')
      .selectAll()
      .where('id', '=', row.id)
      .where('lease_token', '=', hold.token)
      .executeTakeFirst();
    if (held) await putBackIn(trx, held, { ...end, nowMs }, parts);
  });
}
