import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { HoldfastError } from '../../engine/index.ts';
import type { CatalogSchema } from './schema.ts';
import type { Connected } from './types.ts';

/** Longer than a restart of the server takes to be noticed, short enough that a request is answered. */
const CONNECT_MS = 10_000;

/**
 * A program that was stopped, or cut off, in the middle of a transaction holds locks that all others wait for, such as that of
 * claims. The database ends its session after this; our transactions think for milliseconds between their queries.
 */
const STUCK_MS = 15_000;

/** `bigint` and `numeric` come as text by default; ours (milliseconds, bytes, counts) fit a number. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC
      ? Number
      : pg.types.getTypeParser(oid, format as 'text'),
};

/** Opens a catalog on PostgreSQL and tries it once. Throws `catalog_unreachable`; the message never holds the password. */
export async function openPostgres(url: string, options: { connections: number }): Promise<Connected> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'holdfast',
    idle_in_transaction_session_timeout: STUCK_MS,
    types: TYPES,
  });
  surviveLostConnections(pool);
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw new HoldfastError('catalog_unreachable', `the catalog's database: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const db = new Kysely<CatalogSchema>({ dialect: new PostgresDialect({ pool }) });
  return { db, dialect: 'postgres', pool, guarded: (work) => work() };
}

/**
 * A database that ends takes its connections with it, idle ones and such as somebody holds. Each tells so by an event that
 * ends the process when nobody listens; the query under way, or the next one, says what is wrong anyway.
 */
export function surviveLostConnections(pool: pg.Pool): void {
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
}
