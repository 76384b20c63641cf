/** A table that grows, and whose old rows are archived and then deleted while others keep writing. */
import type { Source } from './port.ts';

/** Which rows go: all that are older, and all beyond the newest so many. Rows without a value in the column stay. */
export interface RetentionRule {
  readonly table: string;
  /** Tells the order of rows, and with `maxAgeDays` their age. */
  readonly column: string;
  /** `time`: a time as the database writes it (SQLite: ISO 8601 text); `value` is for growing numbers and goes without an age. */
  readonly unit: 'time' | 'seconds' | 'milliseconds' | 'value';
  readonly maxAgeDays: number | null;
  readonly maxRows: number | null;
}

/** How gently. */
export interface RetentionPace {
  /** At most so many rows in one transaction. */
  readonly batchRows: number;
  readonly pauseMs: number;
  /** How long a batch waits for a lock before it gives way to others. */
  readonly lockTimeoutMs: number;
  /** How long one batch may take at all. PostgreSQL only: SQLite's batches shrink by themselves. */
  readonly statementTimeoutMs: number;
  /** How often or long a locked table is tried again before the run ends with `source_busy`. */
  readonly busyTimeoutMs: number;
}

export const DEFAULT_PACE: RetentionPace = {
  batchRows: 5000,
  pauseMs: 20,
  lockTimeoutMs: 200,
  statementTimeoutMs: 5000,
  busyTimeoutMs: 60_000,
};

export interface RetentionCount {
  readonly rows: number;
  /** Rows that go. */
  readonly going: number;
}

export interface Removal {
  readonly deleted: number;
  /** Archived rows that are there and differ from the archive: somebody changed them since, so they stay. */
  readonly changed: number;
}

export interface Insertion {
  readonly inserted: number;
  /** Rows that were there already, equal to the archive. */
  readonly present: number;
  /** Rows whose key another row has: not written. */
  readonly different: number;
}

/** Life: open, any of these in any order, `close`. What is beyond the rule is fixed when it is opened. */
export interface RetainedTable {
  /** People's words for the limits, such as `created_at before 2025-11-21T00:00:00.000Z`. Empty when no row can go. */
  readonly limits: readonly string[];
  count(): Promise<RetentionCount>;
  /** Up to `limit` rows that go, as a source of one artifact whose facts hold `archive.rows`. Null when none goes. */
  exportRows(limit: number, scratchFolder: string): Promise<Source | null>;
  /** Rows in an archive: the file of the artifact. */
  archivedRows(file: string): Promise<number>;
  /** Deletes the rows that are equal, column by column, to one in the archive, in small batches. */
  removeArchived(file: string, onRows: (rows: number) => void): Promise<Removal>;
  /** Puts the rows of an archive back, in small batches; none that is there is changed. */
  insertArchived(file: string, onRows: (rows: number) => void): Promise<Insertion>;
  close(): Promise<void>;
}

export const AGE_DAY_MS = 86_400_000;
