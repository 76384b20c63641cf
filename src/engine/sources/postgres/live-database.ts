/** What a live database is beside its content, so that another one can take its place. */
import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import { describeAddress, type PostgresAddress, withDatabase } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { quoteName, quoteText } from './quote.ts';
import { databaseHolds } from './target.ts';

export interface LiveDatabase {
  readonly name: string;
  readonly oid: string;
  readonly owner: string;
  /** Clauses of CREATE DATABASE for an empty one of the same owner, encoding, locale and tablespace. */
  readonly clause: string;
  /** Why this login may not exchange it for another one; null when it may. */
  readonly obstacle: string | null;
}

const FACTS = `select d.oid::text, d.datistemplate as template, pg_catalog.pg_get_userbyid(d.datdba)::text as owner,
  pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding, d.datcollate::text as collate, d.datctype::text as ctype,
  s.spcname::text as tablespace, pg_catalog.to_jsonb(d) ->> 'datlocprovider' as provider,
  coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') as locale,
  (select rolsuper or (rolcreatedb and pg_catalog.pg_has_role(d.datdba, 'usage'))
     from pg_catalog.pg_roles where rolname = current_user) as may,
  (select rolsuper or rolcreatedb from pg_catalog.pg_roles where rolname = current_user) as createdb,
  current_user::text as me,
  (select pg_catalog.count(*)::int from pg_catalog.pg_prepared_xacts p where p.database = d.datname) as prepared
from pg_catalog.pg_database d join pg_catalog.pg_tablespace s on s.oid = d.dattablespace where d.datname = $1`;

/** True for a database that is there and holds something. Throws what connecting throws, but for one that is missing. */
export async function isFilled(address: PostgresAddress): Promise<boolean> {
  let client: Client;
  try {
    client = await connect(address);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'source_missing') return false;
    throw targetFailure(error, address);
  }
  try {
    return (await databaseHolds(client)) !== null;
  } catch (error) {
    throw targetFailure(error, address);
  } finally {
    await endQuietly(client);
  }
}

/** Null when there is none of that name. Throws `database_unreachable`, `database_auth`, `target_failed`. */
export async function describeLive(address: PostgresAddress): Promise<LiveDatabase | null> {
  return besideDatabase(address, async (client) => {
    const { rows } = await client.query(FACTS, [address.database]);
    if (rows.length === 0) return null;
    const row = rows[0];
    return {
      ...{ name: address.database, oid: row.oid, owner: row.owner, clause: clauseOf(row) },
      obstacle: obstacleOf(row, address),
    };
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a row of the catalog
function clauseOf(row: Record<string, any>): string {
  const provider =
    row.provider === 'i'
      ? ` locale_provider icu icu_locale ${quoteText(row.locale)}`
      : row.provider === 'b'
        ? ` locale_provider builtin builtin_locale ${quoteText(row.locale)}`
        : '';
  // The default one is nobody's to name who is no superuser.
  const tablespace = row.tablespace === 'pg_default' ? '' : ` tablespace ${quoteName(row.tablespace)}`;
  return (
    `template template0 owner ${quoteName(row.owner)} encoding ${quoteText(row.encoding)}` +
    ` lc_collate ${quoteText(row.collate)} lc_ctype ${quoteText(row.ctype)}${provider}${tablespace}`
  );
}

function obstacleOf(
  row: { template: boolean; may: boolean; createdb: boolean; me: string; owner: string; prepared: number },
  { database }: PostgresAddress,
): string | null {
  if (row.template) return `${database} is a template`;
  if (!row.createdb) return `the role ${row.me} may not create databases`;
  if (!row.may) return `the role ${row.me} is no member of ${row.owner}, who owns ${database}`;
  if (row.prepared > 0) return `${database} holds ${row.prepared} prepared transactions`;
  return null;
}

/**
 * Runs `work` in a session of a database of the same server that is not the one named: nobody renames the one they are in. The
 * session has ended when this settles. Throws what connecting throws, as of a target.
 */
export async function besideDatabase<T>(
  address: PostgresAddress,
  work: (client: Client) => Promise<T>,
  avoid: readonly string[] = [],
): Promise<T> {
  const client = await connectBeside(address, avoid);
  try {
    return await work(client);
  } catch (error) {
    throw targetFailure(error, address);
  } finally {
    await endQuietly(client);
  }
}

/** The caller ends it. */
export async function connectBeside(
  address: PostgresAddress,
  avoid: readonly string[] = [],
): Promise<Client> {
  let failure: unknown = null;
  for (const name of ['postgres', 'template1']) {
    if (name === address.database || avoid.includes(name)) continue;
    try {
      return await connect(withDatabase(address, name));
    } catch (error) {
      failure ??= error;
    }
  }
  throw targetFailure(
    failure ??
      new HoldfastError('target_failed', `${describeAddress(address)}: no other database to work from`),
    address,
  );
}

/** Makes an empty database like the live one. Its oid. Throws `target_failed` and its kin. */
export async function createLike(
  live: LiveDatabase,
  address: PostgresAddress,
  name: string,
): Promise<string> {
  return besideDatabase(address, async (client) => {
    await client.query(`create database ${quoteName(name)} ${live.clause}`);
    return (await namesOf(client, [name]))[0]!.oid;
  });
}

export interface NamedDatabase {
  readonly oid: string;
  readonly name: string;
}

async function namesOf(client: Client, names: readonly string[]): Promise<NamedDatabase[]> {
  const sql =
    'select oid::text as oid, datname::text as name from pg_catalog.pg_database where datname = any($1)';
  return (await client.query(sql, [names])).rows;
}

/** Which of the names are there. Throws what connecting throws. */
export async function findDatabases(
  address: PostgresAddress,
  names: readonly string[],
): Promise<NamedDatabase[]> {
  return besideDatabase(address, (client) => namesOf(client, names));
}

/**
 * Drops a database of this name if it still is that very one (or any, for a null oid), ending sessions in it. False when it is
 * not there.
 */
export async function dropIfSame(
  address: PostgresAddress,
  name: string,
  oid: string | null,
): Promise<boolean> {
  return besideDatabase(
    address,
    async (client) => {
      const [found] = await namesOf(client, [name]);
      if (!found || (oid !== null && found.oid !== oid)) return false;
      await client.query(
        'select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datid = $1::oid',
        [found.oid],
      );
      await client.query(`drop database ${quoteName(name)}`);
      return true;
    },
    [name],
  );
}
