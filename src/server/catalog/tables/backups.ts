/** A cache of what destinations hold. */
export interface BackupTables {
  backups: BackupsTable;
  backup_copies: BackupCopiesTable;
}

export interface BackupsTable {
  id: string;
  plan: string | null;
  /** Null for a plan that is not stored here. */
  plan_id: string | null;
  /** The database of the plan that has its own hour; null for the plan itself. The manifest has `plan/part`. */
  part: string | null;
  tenant_id: string | null;
  type: 'db' | 'storage' | 'full';
  /** `imported`: a dump that another program made. */
  status: 'succeeded' | 'incomplete' | 'imported';
  started_at: number;
  /** Null when only a listing is known. */
  finished_at: number | null;
  size_bytes: number;
  /** New bytes at the destination; null when not known. */
  stored_bytes: number | null;
  /** JSON: `[{ name, source, kind, sizeBytes }]`; null when only a listing is known. */
  artifacts: string | null;
  /** 0 or 1. */
  held: number;
  /** When it was seen in the archive; null while listed. */
  archived_at: number | null;
  /** The job that made it; null for one found at a destination. */
  job_id: string | null;
  /** Of the key that sealed it; null for a passphrase, and where it is not known. */
  key_id: string | null;
}

export interface BackupCopiesTable {
  backup_id: string;
  /** A document. */
  destination_id: string;
  state: 'present' | 'archived' | 'missing' | 'failed';
  /** When it was last seen there. */
  seen_at: number;
  copied_at: number | null;
  verified_at: number | null;
  /** 0 or 1; null before the first verify. */
  verified_good: number | null;
  error: string | null;
}
