/** What happened and may concern somebody: notices read it, each event once. */
export interface EventTables {
  events: EventsTable;
}

export interface EventsTable {
  id: string;
  at: number;
  kind: string;
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
