/**
 * The schedule's door. Several servers may run it on one catalog: each due slot becomes one job, whoever finds it first.
 *
 * A slot is a time that a plan's cron expression names. Slots that passed while no server ran are made good by one run, for the
 * latest of them. What is late, hanging or does not start is written to `events`.
 */
export interface Schedule {
  /** Enqueues what is due, and notices what is late. `start` does so in time; tests call it themselves. */
  tick(): Promise<TickReport>;
  /** Begins to tick: at each slot, and at least every half minute. */
  start(): void;
  /** Look again: plans or settings changed. */
  wake(): void;
  stop(): Promise<void>;
  /** The next backups and drills in order of time, at most `limit`, or as `eachOnce` says. */
  upcoming(request: UpcomingRequest): Promise<UpcomingRun[]>;
}

export interface TickReport {
  /** Jobs enqueued by this tick. */
  readonly enqueued: readonly string[];
  /** Jobs noticed as hanging or not started by this tick. */
  readonly overdue: readonly string[];
  /** When the next slot is due; null when there is none. */
  readonly nextDueAtMs: number | null;
}

export interface UpcomingRequest {
  readonly limit: number;
  /** Beyond the limit the next run of whatever has none before it: plans that run often hide none that run seldom. */
  readonly eachOnce?: boolean;
  readonly planId?: string;
  /** Null is global; absent is all. */
  readonly tenantId?: string | null;
  /** Only of these; null or absent for all. */
  readonly tenants?: readonly string[] | null;
}

export interface UpcomingRun {
  readonly kind: 'backup' | 'drill';
  readonly planId: string;
  readonly plan: string;
  readonly tenantId: string | null;
  /** A database with its own hour; null for the plan itself. */
  readonly part: string | null;
  /** The time the cron expression names. */
  readonly slotAtMs: number;
  /** With its jitter. */
  readonly dueAtMs: number;
}
