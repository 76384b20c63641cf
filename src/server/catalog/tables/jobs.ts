/** Jobs, what they say while they run, who runs them, and who asked for them. */
export interface JobTables {
  jobs: JobsTable;
  job_events: JobEventsTable;
  job_workers: JobWorkersTable;
  triggers: TriggersTable;
  queue_turns: QueueTurnsTable;
}

export type JobKind =
  | 'backup'
  | 'verify'
  | 'rotate'
  | 'prune'
  | 'replicate'
  | 'drill'
  | 'table-retention'
  | 'restore'
  | 'custom';

/** A job ends as succeeded, failed, skipped or interrupted, once. A cancelled one is interrupted. */
export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'interrupted';

export interface JobsTable {
  id: string;
  kind: JobKind;
  status: JobStatus;
  tenant_id: string | null;
  /** A document; null for work that belongs to none. */
  plan_id: string | null;
  /** The plan's name when the job was made. */
  plan: string | null;
  /** The database of a plan that has its own hour; null for all of the plan. */
  part: string | null;
  /** JSON. */
  payload: string;
  /** Only a worker that carries it takes the job; null for any. */
  label: string | null;
  /** Higher goes first. 0 for what the schedule asks for, more for people who wait. */
  priority: number;
  /** Of those with the same one, one runs at a time. */
  concurrency_key: string | null;
  /** Of those with the same one, one is queued or running. */
  singleton_key: string | null;
  /** Never is there a second with the same one. */
  idempotency_key: string | null;
  created_at: number;
  /** Not before this. */
  run_after: number;
  /** Of the latest attempt. */
  started_at: number | null;
  finished_at: number | null;
  /** Attempts begun. */
  attempt: number;
  max_attempts: number;
  /** When the worker's hold on a running job ends unless renewed. */
  lease_until: number | null;
  /** Changes with every attempt: an outdated worker writes nothing any more. */
  lease_token: string | null;
  worker_id: string | null;
  cancel_requested_at: number | null;
  /** The time the schedule meant, for jobs it made. */
  slot_at: number | null;
  /** Running longer than this is noticed as hanging; null for never. */
  hanging_after_ms: number | null;
  /** When it was noticed as hanging or never started. */
  overdue_noticed_at: number | null;
  /** JSON of the latest progress report, null before the first. */
  progress: string | null;
  /** Number of the latest event. */
  last_event: number;
  /** JSON, null until it ended with one. */
  result: string | null;
  error_code: string | null;
  error_message: string | null;
  error_next: string | null;
}

export interface JobEventsTable {
  job_id: string;
  /** From 1 without gaps. */
  seq: number;
  at: number;
  kind: 'status' | 'phase' | 'warning';
  /** JSON. */
  data: string;
}

export interface JobWorkersTable {
  id: string;
  host: string;
  pid: number;
  /** JSON array. */
  labels: string;
  started_at: number;
  seen_at: number;
}

/** Who was served when. Deleting a row loses nothing but a place in the line. */
export interface QueueTurnsTable {
  /** Empty for jobs of no tenant. */
  tenant: string;
  /** Higher is later. */
  turn: number;
}

export interface TriggersTable {
  id: string;
  at: number;
  via: 'schedule' | 'ui' | 'api' | 'cli' | 'guard';
  requested_by: string | null;
  tenant_id: string | null;
  plan_id: string | null;
  plan: string | null;
  part: string | null;
  type: 'db' | 'storage' | 'full' | null;
  /** `duplicate`: the job was there already. `refused`: there is none. */
  outcome: 'accepted' | 'duplicate' | 'refused';
  message: string | null;
  job_id: string | null;
}
