/** Databases of drills on a server that others use, too: with names of their own, and gone again even after a crash. */
import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { asHoldfastError } from '../../base/errors.ts';
import { type PostgresAddress, withDatabase } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { quoteName } from './quote.ts';
import { dropDatabase } from './target.ts';

const PREFIX = 'holdfast_drill_';
const NAME = /^holdfast_drill_[0-9a-f]{24}$/;

export interface ScratchClaim {
  readonly address: PostgresAddress;
  /** With the password. */
  readonly url: string;
  /** Why the locale of the original could not be had; null when it could. */
  readonly otherLocale: string | null;
  /** Drops the database, ending sessions in it. Never throws: what stays is dropped by the next drill. */
  drop(): Promise<void>;
}

/**
 * Makes an empty database. As long as it is in use, a session of its own holds a lock on its name: so everybody can tell one
 * that is in use from one that was left behind. Throws `database_unreachable`, `database_auth`, `target_failed`.
 */
export async function claimScratchDatabase(server: PostgresAddress, clause: string): Promise<ScratchClaim> {
  const name = `${PREFIX}${randomBytes(12).toString('hex')}`;
  const address = withDatabase(server, name);
  const keeper = await onServer(server);
  try {
    await keeper.query('select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended($1, 0))', [name]);
    const otherLocale = await create(keeper, name, clause);
    return {
      address,
      url: urlOf(address),
      otherLocale,
      async drop() {
        await dropDatabase(address).catch(() => {});
        await endQuietly(keeper);
      },
    };
  } catch (error) {
    await endQuietly(keeper);
    throw targetFailure(error, server);
  }
}

async function create(client: Client, name: string, clause: string): Promise<string | null> {
  const statement = `create database ${quoteName(name)} template template0`;
  try {
    await client.query(`${statement} ${clause}`);
    return null;
  } catch (error) {
    if (clause === '') throw error;
    await client.query(statement);
    return asHoldfastError(error).message;
  }
}

/** Always the same database: locks of one are not seen from another. */
function onServer(server: PostgresAddress): Promise<Client> {
  return connect(withDatabase(server, 'postgres'));
}

/** Drops databases of drills whose session is gone. Resolves with their names. Never throws. */
export async function removeScratchLeftovers(server: PostgresAddress): Promise<string[]> {
  const removed: string[] = [];
  const left = await leftBehind(server).catch(() => []);
  for (const name of left) {
    await dropDatabase(withDatabase(server, name)).then(
      () => void removed.push(name),
      () => {},
    );
  }
  return removed;
}

async function leftBehind(server: PostgresAddress): Promise<string[]> {
  const left: string[] = [];
  const client = await onServer(server);
  try {
    const { rows } = await client.query(
      'select datname as name from pg_catalog.pg_database where pg_catalog.starts_with(datname, $1)',
      [PREFIX],
    );
    for (const { name } of rows) {
      if (!NAME.test(name)) continue;
      const lock = 'select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0)) as free';
      const { rows: found } = await client.query(lock, [name]);
      if (found[0].free) left.push(name);
    }
  } finally {
    await endQuietly(client);
  }
  return left;
}

/** The address as libpq's tools and `parsePostgresAddress` read it, with the password. */
export function urlOf(address: PostgresAddress): string {
  const login = [address.user, ...(address.password === '' ? [] : [address.password])];
  const query = new URLSearchParams(address.parameters).toString();
  const host = address.host.includes(':') ? `[${address.host}]` : encodeURIComponent(address.host);
  const place = `${host}:${address.port}/${encodeURIComponent(address.database)}`;
  return `postgres://${login.map(encodeURIComponent).join(':')}@${place}${query === '' ? '' : `?${query}`}`;
}
