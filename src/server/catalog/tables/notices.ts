/** Notices on their way to channels, their history, and how often each kind of event was seen. */
export interface NoticeTables {
  notice_deliveries: NoticeDeliveriesTable;
  notice_attempts: NoticeAttemptsTable;
  event_counts: EventCountsTable;
}

export interface NoticeDeliveriesTable {
  id: string;
  created_at: number;
  /** Null for a test. */
  event_id: string | null;
  /** A document. */
  channel_id: string;
  /** Its name when the notice was made. */
  channel: string;
  /** An event's kind, or `test`. */
  kind: string;
  tenant_id: string | null;
  plan: string | null;
  /** JSON of a `Notice`; without secrets. */
  notice: string;
  /** `dropped`: its channel is gone or switched off. */
  status: 'waiting' | 'delivered' | 'failed' | 'dropped';
  /** Attempts begun. */
  attempts: number;
  /** When it is tried next, or when the attempt under way counts as lost; null once it is over. */
  next_at: number | null;
  finished_at: number | null;
  last_error: string | null;
}

export interface NoticeAttemptsTable {
  delivery_id: string;
  /** From 1. */
  attempt: number;
  at: number;
  duration_ms: number;
  /** What the receiver said, such as `200`; null without an answer. */
  answer: string | null;
  /** Null for success. */
  error: string | null;
}

export interface EventCountsTable {
  kind: string;
  /** Empty for none. */
  tenant_id: string;
  /** Empty for none. */
  plan: string;
  count: number;
}
