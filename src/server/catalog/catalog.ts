/**
 * The catalog: the server's own database. Settings, jobs and a cache of what destinations hold, never the only copy of
 * a backup.
 *
 * SQLite (one machine, nothing to install) or PostgreSQL (several). The same tables, the same queries:
 * times are whole milliseconds UTC, booleans 0 or 1, JSON is text, ids are UUIDv7, so that they sort by time.
 */
import { sql } from 'kysely';
import { type Clock, systemClock } from '../../engine/index.ts';
import { migrate } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';
import type { Catalog, CatalogDb, Connected } from './types.ts';

/** `file`: an SQLite file, made 0600 when missing. `url`: `postgres://`. */
export type CatalogAddress = { readonly file: string } | { readonly url: string };

export interface CatalogOptions {
  readonly clock?: Clock;
  /** Connections to PostgreSQL at most. Default 10. */
  readonly connections?: number;
}

/** How often a transaction is begun anew when PostgreSQL gives it up in favour of another. */
const ATTEMPTS = 5;

/**
 * Opens the catalog and brings its tables up to date, one opener at a time. Throws `catalog_newer` when a newer
 * program has been at work, `catalog_unreachable`, `catalog_failed`. The caller ends with `close`.
 */
export async function openCatalog(address: CatalogAddress, options: CatalogOptions = {}): Promise<Catalog> {
  const connected =
    'file' in address
      ? await openSqlite(address.file)
      : await openPostgres(address.url, { connections: options.connections ?? 10 });
  const catalog = catalogOf(connected, options.clock ?? systemClock);
  try {
    await migrate(catalog);
  } catch (error) {
    await catalog.close();
    throw error;
  }
  return catalog;
}

function catalogOf({ db, dialect, pool, guarded }: Connected, clock: Clock): Catalog {
  const transaction = async <T>(work: (trx: CatalogDb) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await db.transaction().execute((trx) => guarded(() => work(trx)));
      } catch (error) {
        if (attempt === ATTEMPTS || !mustRepeat(error)) throw error;
      }
    }
  };
  return {
    db,
    dialect,
    pool,
    clock,
    transaction,
    exclusive: (name, work) =>
      transaction(async (trx) => {
        if (dialect === 'postgres') {
          await sql`select pg_advisory_xact_lock(hashtextextended(${`holdfast ${name}`}, 0))`.execute(trx);
        }
        return work(trx);
      }),
    close: () => db.destroy(),
  };
}

/** A deadlock or a serialization failure: nothing happened, and the same again may succeed. */
function mustRepeat(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '40001' || code === '40P01';
}
