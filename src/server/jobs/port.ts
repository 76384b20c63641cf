/**
 * The queue's door. A job is a row of the catalog; whoever works claims it for a lease and renews that while it works.
 *
 * `openQueue(catalog)` gives the embedded queue on an SQLite catalog and pg-boss on PostgreSQL. Both keep the same
 * promises: a job is run to its end once; a worker that died loses its job when the lease ends; jobs of one
 * concurrency key do not overlap; a job with a label goes to a worker that carries it.
 */

import type { JobKind, JobStatus } from '../catalog/tables/jobs.ts';
import type { CatalogDb } from '../catalog/types.ts';

export type { JobKind, JobStatus } from '../catalog/tables/jobs.ts';

export interface JobRequest {
  readonly kind: JobKind;
  /** What the handler of this kind needs; JSON. */
  readonly payload: unknown;
  readonly tenantId?: string | null;
  readonly planId?: string | null;
  readonly plan?: string | null;
  readonly part?: string | null;
  /** Only a worker that carries it takes the job. Default null: any worker. */
  readonly label?: string | null;
  /** Higher goes first. Default 0; see `PRIORITY`. */
  readonly priority?: number;
  /** Of those with the same one, one runs at a time. */
  readonly concurrencyKey?: string | null;
  /** While one with the same is queued or running, that one is given instead of a new one. */
  readonly singletonKey?: string | null;
  /** If there ever was one with the same, that one is given instead of a new one. */
  readonly idempotencyKey?: string | null;
  /** Milliseconds UTC. Default now. */
  readonly runAfterMs?: number;
  /** How often it is tried, the first included. Default 3. */
  readonly maxAttempts?: number;
  readonly slotAtMs?: number | null;
  /** Running for longer than this is noticed as hanging. Default null: never. */
  readonly hangingAfterMs?: number | null;
}

/**
 * Of jobs that are due, those of people who wait go first. What the service does by itself is all the same: tenants take turns, and of a
 * tenant's jobs the oldest goes first, so that nothing waits for ever. Retention is as old as the backup after which it came.
 */
export const PRIORITY = { maintenance: 0, scheduled: 0, requested: 10, restore: 20 } as const;

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly status: JobStatus;
  readonly tenantId: string | null;
  readonly planId: string | null;
  readonly plan: string | null;
  readonly part: string | null;
  readonly payload: unknown;
  readonly label: string | null;
  readonly priority: number;
  readonly createdAtMs: number;
  readonly runAfterMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly workerId: string | null;
  readonly cancelRequestedAtMs: number | null;
  readonly slotAtMs: number | null;
  readonly progress: JobProgress | null;
  /** Number of the latest event. */
  readonly lastEvent: number;
  readonly result: unknown;
  readonly error: JobError | null;
}

export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** The latest report of a running job. Totals are estimates, null when unknown. */
export interface JobProgress {
  readonly phase: string;
  readonly atMs: number;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly bytesStored: number;
  readonly entriesDone: number;
  readonly entriesTotal: number | null;
  /** Over the last reports; null at the beginning of a phase. */
  readonly bytesPerSecond: number | null;
  readonly secondsLeft: number | null;
}

export interface JobEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly kind: 'status' | 'phase' | 'warning';
  readonly data: { readonly [key: string]: unknown };
}

/** What somebody who watches a job sees: its events in order, and its latest progress in between. */
export type JobUpdate =
  | { readonly type: 'event'; readonly event: JobEvent }
  | { readonly type: 'progress'; readonly progress: JobProgress };

export interface JobFilter {
  readonly tenantId?: string | null;
  readonly planId?: string;
  readonly kind?: JobKind;
  readonly status?: JobStatus;
}

export interface PageRequest {
  /** From 1 to 200. */
  readonly limit: number;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly next: string | null;
}

export interface JobQueue {
  /** Where `singletonKey` or `idempotencyKey` say that the job is there already, that one, and `created` is false. */
  enqueue(request: JobRequest, trx?: CatalogDb): Promise<{ job: Job; created: boolean }>;
  get(id: string): Promise<Job | null>;
  /** Newest first. */
  list(filter: JobFilter, page: PageRequest): Promise<Page<Job>>;
  /** Events with a number above `afterSeq`, in order. */
  events(id: string, afterSeq: number): Promise<JobEvent[]>;
  /**
   * A queued job ends as interrupted at once (`cancelled`), a running one is told to stop (`requested`), one that ended stays
   * as it is (`ended`). Throws `job_unknown`.
   */
  cancel(id: string): Promise<'cancelled' | 'requested' | 'ended'>;
  /**
   * Events above `afterSeq` and progress as they come, from whatever process; ends after the event in which the job ends, or
   * with the signal. Throws `job_unknown`.
   */
  watch(id: string, options: { afterSeq?: number; signal: AbortSignal }): AsyncIterable<JobUpdate>;
  /** A hint that a job changed, or with null that any may have: look again. Gives the way to stop it. */
  onChange(listener: (jobId: string | null) => void): () => void;
  /** Begins to take jobs. */
  work(options: WorkOptions): JobWorker;
  /**
   * Takes jobs away from workers that lost their lease, and delivers again what got lost. Workers do this by themselves; for a
   * server without a worker. Gives the jobs that were taken away.
   */
  maintain(): Promise<readonly string[]>;
  /** Ends what the queue keeps open. Workers are stopped before. The catalog stays open. */
  close(): Promise<void>;
}

export interface WorkOptions {
  readonly handle: JobHandler;
  /** Takes jobs with one of these labels. Default none. */
  readonly labels?: readonly string[];
  /** Takes jobs without a label too. Default true. */
  readonly unlabelled?: boolean;
  /** Jobs at once in this worker. Default 2. */
  readonly concurrency?: number;
}

export interface JobWorker {
  readonly id: string;
  /**
   * Takes no more jobs. With `drain` waits for the running ones; else tells them to stop and puts them back, without counting
   * the attempt, so that another worker goes on. Idempotent.
   */
  stop(options?: { drain?: boolean }): Promise<void>;
}

/** Does one job. Throwing an error that is `retryable` tries again later, while attempts are left. */
export type JobHandler = (job: Job, context: JobContext) => Promise<JobOutcome>;

export type JobOutcome =
  | { readonly status: 'succeeded'; readonly result: unknown; readonly record?: Recorder }
  | { readonly status: 'skipped'; readonly reason: JobError; readonly record?: Recorder }
  /** It is over, and something of it is there all the same, such as a backup without one of its copies. */
  | {
      readonly status: 'failed';
      readonly reason: JobError;
      readonly result: unknown;
      readonly record?: Recorder;
    };

/** Writes what a job found in the transaction that ends it: all of it or nothing, and nothing once the lease is lost. */
export type Recorder = (trx: CatalogDb) => Promise<void>;

export interface JobContext {
  /** Aborted when the job is cancelled, the lease lost, or the worker stops. */
  readonly signal: AbortSignal;
  /** Stored at most once a second; call as often as you like. */
  report(progress: Omit<JobProgress, 'atMs'>): void;
  /** Stored as an event. */
  warn(message: string): void;
}
