import type { Client } from 'pg';
import { codeOf, HoldfastError, systemCode } from '../../base/errors.ts';
import { describeAddress, type PostgresAddress, withDatabase } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { quoteName, quoteText } from './quote.ts';
import { type ServerFacts, serverFacts } from './snapshot.ts';

export interface Target {
  readonly address: PostgresAddress;
  readonly server: ServerFacts;
  /** True when the database was made for this restore. */
  readonly created: boolean;
  /** Takes back what preparing did: drops a database made for this restore. Never throws. */
  undo(): Promise<void>;
}

const INVALID_PARAMETER = '22023';

/** What counts as content: anything but what a fresh database and its extensions bring along. */
const FIRST_OBJECT = `
with member as (select classid, objid from pg_catalog.pg_depend where deptype = 'e'),
own as (select oid from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
select what from (
  select pg_catalog.format('relation %I', relname) as what from pg_catalog.pg_class
    where relnamespace in (select oid from own)
    and ('pg_catalog.pg_class'::regclass, oid) not in (select classid, objid from member)
  union all
  select pg_catalog.format('function %I', proname) from pg_catalog.pg_proc
    where pronamespace in (select oid from own)
    and ('pg_catalog.pg_proc'::regclass, oid) not in (select classid, objid from member)
  union all
  select pg_catalog.format('schema %I', nspname) from pg_catalog.pg_namespace
    where oid in (select oid from own) and nspname <> 'public'
    and ('pg_catalog.pg_namespace'::regclass, oid) not in (select classid, objid from member)
  union all
  select pg_catalog.format('type %I', typname) from pg_catalog.pg_type
    where typnamespace in (select oid from own) and typtype in ('e', 'd', 'r')
    and ('pg_catalog.pg_type'::regclass, oid) not in (select classid, objid from member)
  union all
  select pg_catalog.format('large object %s', oid) from pg_catalog.pg_largeobject_metadata
) found limit 1`;

/**
 * Makes sure that the target is an empty database; one that is missing is created. Throws `target_not_empty`,
 * `target_failed`, `database_unreachable`, `database_auth`.
 */
export async function prepareTarget(address: PostgresAddress, encoding: string): Promise<Target> {
  let created = false;
  let client: Client;
  try {
    client = await connect(address);
  } catch (error) {
    if (codeOf(error) !== 'source_missing') throw targetFailure(error, address);
    await createDatabase(address, encoding);
    created = true;
    client = await connect(address);
  }
  const undo = async () => {
    if (created) await dropDatabase(address).catch(() => {});
  };
  try {
    const holds = await databaseHolds(client);
    if (holds !== null) {
      throw new HoldfastError('target_not_empty', `${describeAddress(address)} holds the ${holds}`);
    }
    return { address, server: await serverFacts(client), created, undo };
  } catch (error) {
    await undo();
    throw targetFailure(error, address);
  } finally {
    await endQuietly(client);
  }
}

/** What a database holds beyond what a fresh one and its extensions bring along, by one example; null for nothing. */
export async function databaseHolds(client: Client): Promise<string | null> {
  const { rows } = await client.query(FIRST_OBJECT);
  return rows[0]?.what ?? null;
}

/** Runs statements on the server's maintenance database: nobody can create or drop the one they are in. */
export async function onMaintenanceDatabase(
  address: PostgresAddress,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const database of ['postgres', 'template1']) {
    const client = await connect(withDatabase(address, database)).catch((error: unknown) => {
      failures.push(error);
      return null;
    });
    if (client === null) continue;
    try {
      await work(client);
      return;
    } catch (error) {
      throw targetFailure(error, address);
    } finally {
      await endQuietly(client);
    }
  }
  throw targetFailure(failures[0], address);
}

/** template0 has no additions of the operator's own, which would collide with what is restored. */
async function createDatabase(address: PostgresAddress, encoding: string): Promise<void> {
  const statement = `create database ${quoteName(address.database)} template template0`;
  const clause = encoding === '' ? '' : ` encoding ${quoteText(encoding)}`;
  await onMaintenanceDatabase(address, async (client) => {
    try {
      await client.query(`${statement}${clause}`);
    } catch (error) {
      if (systemCode(error) !== INVALID_PARAMETER || clause === '') throw error;
      // The server's locale has another encoding. C goes with each, and no byte needs converting.
      await client.query(`${statement}${clause} locale 'C'`);
    }
  });
}

/** Drops a database, ending sessions in it. For databases of our own making only. */
export async function dropDatabase(address: PostgresAddress): Promise<void> {
  await onMaintenanceDatabase(address, async (client) => {
    await client.query(
      'select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = $1',
      [address.database],
    );
    await client.query(`drop database if exists ${quoteName(address.database)}`);
  });
}
