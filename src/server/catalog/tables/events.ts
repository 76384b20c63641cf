/** What happened and may concern somebody: notices read it, each event once. */
export interface EventTables {
  events: EventsTable;
}

export const EVENT_KINDS = [
  ...[
    'backup_started',
    'backup_completed',
    'backup_failed',
    'backup_skipped',
    'backup_interrupted',
    'copy_missing',
  ],
  ...[
    'verify_completed',
    'verify_failed',
    'rotate_completed',
    'rotate_failed',
    'prune_completed',
    'prune_failed',
  ],
  ...['replicate_completed', 'replicate_failed', 'drill_completed', 'drill_failed', 'drill_overdue'],
  ...['table_retention_completed', 'table_retention_failed'],
  ...['restore_completed', 'restore_failed', 'job_failed'],
  // Of the schedule: too late, still at it when the next was due, running for too long, due and not begun.
  ...['run_missed', 'run_overlapped', 'run_hanging', 'run_not_started'],
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

export interface EventsTable {
  id: string;
  at: number;
  kind: EventKind;
  tenant_id: string | null;
  plan_id: string | null;
  plan: string | null;
  job_id: string | null;
  backup_id: string | null;
  /** JSON. */
  data: string;
  /** Never is there a second with the same one. */
  dedupe_key: string | null;
  /** When notices dealt with it; null until then. */
  handled_at: number | null;
}
