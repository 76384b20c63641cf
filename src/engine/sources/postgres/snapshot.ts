import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { PostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { databaseFailure } from './failures.ts';

/** One point in time of a database, held open by a session of its own. */
export interface Snapshot {
  readonly client: Client;
  /** For `SET TRANSACTION SNAPSHOT` and `pg_dump --snapshot`, while this is not released. */
  readonly id: string;
  readonly server: ServerFacts;
  /** Idempotent, never throws. */
  release(): Promise<void>;
}

export interface ServerFacts {
  readonly version: string;
  readonly major: number;
  readonly superuser: boolean;
  readonly databaseBytes: number;
}

const SERVER_FACTS = `select current_setting('server_version') as version,
  current_setting('server_version_num')::int / 10000 as major,
  (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser,
  pg_catalog.pg_database_size(current_database())::text as bytes`;

/** Shape of every table a dump may read: whatever changes it needs an exclusive lock. */
const SHAPES = `select c.oid::text as oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
  pg_catalog.md5(pg_catalog.concat_ws(' ', c.relfilenode, c.relkind, (
    select pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, a.atttypid, a.attisdropped, a.attname), ','
      order by a.attnum)
    from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0))) as shape
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Reads what is worth knowing of a server. */
export async function serverFacts(client: Client): Promise<ServerFacts> {
  const { rows } = await client.query(SERVER_FACTS);
  const { version, major, superuser, bytes } = rows[0];
  return { version, major, superuser: superuser === true, databaseBytes: Number(bytes) };
}

/**
 * Takes a snapshot. The caller releases it. Throws `database_unreachable`, `database_auth`, `source_missing`,
 * `source_failed`.
 */
export async function takeSnapshot(address: PostgresAddress, signal?: AbortSignal): Promise<Snapshot> {
  const client = await connect(address, signal);
  const release = () => endQuietly(client);
  try {
    const server = await serverFacts(client);
    await client.query('begin isolation level repeatable read read only');
    const { rows } = await client.query('select pg_catalog.pg_export_snapshot() as id');
    return { client, id: rows[0].id, server, release };
  } catch (error) {
    await release();
    throw databaseFailure(error, address);
  }
}

/**
 * Names tables that were rewritten, altered or dropped since the snapshot. TRUNCATE and rewriting forms of ALTER TABLE
 * are not MVCC-safe: an older snapshot sees such a table empty (PostgreSQL manual, 13.6). Called once pg_dump holds its
 * locks, an empty answer proves that the dump is of the snapshot.
 */
export async function tablesChangedSince(snapshot: Snapshot, address: PostgresAddress): Promise<string[]> {
  const now = await connect(address);
  try {
    const [before, after] = await Promise.all([snapshot.client.query(SHAPES), now.query(SHAPES)]);
    const shapes = new Map(after.rows.map((row) => [row.oid, row.shape]));
    return before.rows.filter((row) => shapes.get(row.oid) !== row.shape).map((row) => row.name);
  } catch (error) {
    throw databaseFailure(error, address);
  } finally {
    await endQuietly(now);
  }
}

/** For a dump that could not get ahead of schema changes. */
export function keepsChanging(tables: readonly string[]): HoldfastError {
  return new HoldfastError('source_busy', `tables kept changing while the dump began: ${tables.join(', ')}`);
}
