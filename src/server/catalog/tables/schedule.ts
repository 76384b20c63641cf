/** When what runs next. Made from plans; deleting a row loses nothing but when it last ran. */
export interface ScheduleTables {
  schedule_entries: ScheduleEntriesTable;
}

export interface ScheduleEntriesTable {
  plan_id: string;
  /** A database with its own hour; empty for the plan's own schedule. */
  part: string;
  cron: string;
  /** IANA name. */
  time_zone: string;
  /** The run begins up to this much later, always the same for one slot. */
  jitter_ms: number;
  /** 0 or 1. */
  enabled: number;
  /** The next slot without its jitter; null when there is none. */
  next_slot_at: number | null;
  /** `next_slot_at` with its jitter: when it is enqueued. */
  next_due_at: number | null;
  last_slot_at: number | null;
}
