import type { Clock } from '../../engine/index.ts';

/**
 * The few statements that the ledger needs, with `?` for values: so that the command line can append through
 * `node:sqlite` alone, in a tenth of the time it takes to load a query builder.
 */
export interface LedgerDb {
  readonly dialect: 'sqlite' | 'postgres';
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

export type SqlValue = string | number | null;

/** Where a ledger is kept. */
export interface LedgerPlace {
  readonly clock: Clock;
  /** Outside of transactions, for reading. */
  readonly db: LedgerDb;
  /** All or nothing; may be run again after a deadlock. */
  transaction<T>(work: (db: LedgerDb) => Promise<T>): Promise<T>;
}

/** From here to the end of the transaction nobody else appends. On SQLite every transaction of ours has that from its begin on. */
export async function lockLedger(db: LedgerDb): Promise<void> {
  if (db.dialect === 'sqlite') return;
  await db.query("select pg_advisory_xact_lock(hashtextextended('holdfast ledger', 0))");
}
