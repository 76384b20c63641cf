import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../../engine/index.ts';
import type { CatalogSchema } from './schema.ts';

export type Dialect = 'sqlite' | 'postgres';

/** The database itself, or a transaction on it: queries take either. */
export type CatalogDb = Kysely<CatalogSchema>;

export interface Catalog {
  readonly db: CatalogDb;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** For what needs a session of its own, such as LISTEN; null on SQLite. */
  readonly pool: Pool | null;
  /**
   * All of `work` or nothing. On PostgreSQL it may be run again after a deadlock, so it has no effects but on `trx`. Using
   * `db` in it instead of `trx` is refused on SQLite, where it would wait for itself.
   */
  transaction<T>(work: (trx: CatalogDb) => Promise<T>): Promise<T>;
  /** A transaction of which only one of this name runs at a time, whatever server begins it. */
  exclusive<T>(name: string, work: (trx: CatalogDb) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** What a dialect gives to the catalog. */
export interface Connected {
  readonly db: CatalogDb;
  readonly dialect: Dialect;
  readonly pool: Pool | null;
  /** Runs the inside of a transaction so that misuse of `db` is noticed. */
  guarded<T>(work: () => Promise<T>): Promise<T>;
}
