/** Restore drills: what they found, what they signed, and when the next one is due. */
export interface DrillTables {
  drills: DrillsTable;
  drill_evidence: DrillEvidenceTable;
  drill_entries: DrillEntriesTable;
}

export interface DrillsTable {
  /** That of the evidence. */
  id: string;
  /** Null for one that another program did, known from its evidence. */
  job_id: string | null;
  plan_id: string | null;
  plan: string | null;
  tenant_id: string | null;
  /** Null when none was found or could be opened. */
  backup_id: string | null;
  via: 'schedule' | 'after_backups' | 'ui' | 'api' | 'cli' | null;
  requested_by: string | null;
  /** 1 for one with checks of its own: it proves nothing about the plan and alerts nobody. */
  trial: number;
  started_at: number;
  finished_at: number;
  result: 'green' | 'red';
  /** Recovery time; null when the data did not come back. */
  recovery_ms: number | null;
  /** How old the data was. */
  data_age_ms: number | null;
  /** How many there were, and how many of them were red. */
  checks: number;
  red_checks: number;
  /** JSON: why it could not run, or not to its end. */
  failure: string | null;
  /** Hex, of the key that signed the evidence; null without evidence. */
  fingerprint: string | null;
  /** Hex, of the signed document. */
  evidence_sha256: string | null;
  /** JSON array: addresses of destinations that hold the evidence. */
  stored_at: string;
  /** JSON array: why others do not. */
  not_stored: string;
}

/** As it was signed, byte for byte. */
export interface DrillEvidenceTable {
  drill_id: string;
  document: string;
  page: string;
}

/** Of each plan that says when it is drilled. Made from plans; deleting a row loses nothing but its counter. */
export interface DrillEntriesTable {
  plan_id: string;
  /** Null when only backups are counted. */
  cron: string | null;
  /** IANA name. */
  time_zone: string;
  jitter_ms: number;
  /** 0 or 1. */
  enabled: number;
  /** A drill after so many backups; null for none. */
  after_backups: number | null;
  /** Backups since the last of those. */
  backups_since: number;
  next_slot_at: number | null;
  /** `next_slot_at` with its jitter. */
  next_due_at: number | null;
  last_slot_at: number | null;
}
