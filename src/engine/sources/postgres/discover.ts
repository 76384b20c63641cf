import { isUtf8 } from 'node:buffer';
import type { LookupFunction } from 'node:net';
import type { Client } from 'pg';
import { codeOf } from '../../base/errors.ts';
import { escapePath } from '../../base/escape-path.ts';
import { type PostgresAddress, parsePostgresAddress, withDatabase } from './address.ts';
import { connect, inSession } from './connect.ts';

/** A database of a server, as the login sees it. */
export interface FoundDatabase {
  /** Of one whose name no address can hold, because it is no UTF-8, its bytes as `\xNN`. */
  readonly name: string;
  readonly isNameable: boolean;
  /** Null where the login may not ask. */
  readonly sizeBytes: number | null;
  readonly owner: string;
  readonly encoding: string;
  readonly mayConnect: boolean;
  /** Whether everything in it can be read, as a backup does; null where nobody looked. */
  readonly mayRead: boolean | null;
  /** Why it cannot be backed up with this login; null for no reason. */
  readonly problem: string | null;
}

export interface DiscoverPostgresOptions {
  readonly signal: AbortSignal;
  /** Resolves the host, for a caller that has vetted its addresses. Default: the system. */
  readonly lookup?: LookupFunction;
}

/** How many databases are looked into at a time. */
const AT_ONCE = 4;
/** Of more than these it is not looked up whether they can be read. */
const LOOKED_INTO = 200;

/**
 * Every database of the server that is no template, in order of name. The one that the address names need not be there. Throws
 * `config_invalid`, `database_unreachable`, `database_auth`, `source_missing`, `source_denied`, `interrupted`.
 */
export async function discoverPostgres(
  url: string,
  options: DiscoverPostgresOptions,
): Promise<FoundDatabase[]> {
  const address = parsePostgresAddress(url);
  const { signal } = options;
  const client = await connectAnywhere(address, options);
  const listed = await inSession(client, address, signal, () => list(client, signal));
  const found: FoundDatabase[] = [];
  for (let i = 0; i < listed.length; i += AT_ONCE) {
    const group = listed.slice(i, i + AT_ONCE);
    const looked = group.map((one, k) => (i + k < LOOKED_INTO ? lookInto(address, one, options) : one));
    found.push(...(await Promise.all(looked)));
  }
  return found;
}

/** In the database of the address, else in one that most servers have. */
async function connectAnywhere(
  address: PostgresAddress,
  { signal, lookup }: DiscoverPostgresOptions,
): Promise<Client> {
  let first: unknown = null;
  for (const name of new Set([address.database, 'postgres', 'template1'])) {
    try {
      return await connect(withDatabase(address, name), signal, lookup);
    } catch (error) {
      const mayBeElsewhere = ['source_missing', 'source_denied'].includes(codeOf(error) ?? '');
      if (!mayBeElsewhere) throw error;
      first ??= error;
    }
  }
  throw first;
}

/**
 * Names as they lie on the server: they are in the encoding of the database they were given in, and an address is compared with them
 * byte by byte.
 */
const LIST = `select oid::text as oid,
  pg_catalog.encode(pg_catalog.namesend(datname), 'hex') as name,
  pg_catalog.encode(pg_catalog.namesend(pg_catalog.pg_get_userbyid(datdba)), 'hex') as owner,
  pg_catalog.pg_encoding_to_char(encoding)::text as encoding,
  datallowconn and datconnlimit <> -2 as takes,
  pg_catalog.has_database_privilege(oid, 'CONNECT') as may
from pg_catalog.pg_database where not datistemplate`;

async function list(client: Client, signal: AbortSignal): Promise<FoundDatabase[]> {
  await client.query("set client_encoding = 'SQL_ASCII'");
  const { rows } = await client.query(LIST);
  const found: FoundDatabase[] = [];
  for (const { oid, name, owner, encoding, takes, may } of rows) {
    signal.throwIfAborted();
    const raw = Buffer.from(name, 'hex');
    const isNameable = isUtf8(raw);
    const problem = !takes
      ? 'it takes no connections'
      : !may
        ? 'this login may not connect to it'
        : isNameable
          ? null
          : 'its name is no UTF-8, so that no address can name it';
    found.push({
      name: isNameable ? raw.toString() : escapePath(raw),
      isNameable,
      sizeBytes: await sizeOf(client, oid),
      owner: Buffer.from(owner, 'hex').toString(),
      encoding,
      mayConnect: takes === true && may === true,
      mayRead: null,
      problem,
    });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Null for one that went away meanwhile, or whose size is told to others only. */
async function sizeOf(client: Client, oid: string): Promise<number | null> {
  try {
    const { rows } = await client.query('select pg_catalog.pg_database_size($1::oid)::text as size', [oid]);
    return rows[0].size === null ? null : Number(rows[0].size);
  } catch (error) {
    if (/^(42501|42704|3D000)$/.test((error as { code?: string }).code ?? '')) return null;
    throw error;
  }
}

/** What pg_dump reads, and would stop at: tables and sequences that no extension brings along. */
const UNREADABLE = `select count(*)::int as count from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
and not exists (select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
and not (pg_catalog.has_schema_privilege(n.oid, 'USAGE') and case c.relkind
  when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
  else pg_catalog.has_table_privilege(c.oid, 'SELECT') and not pg_catalog.row_security_active(c.oid) end)`;

async function lookInto(
  address: PostgresAddress,
  found: FoundDatabase,
  options: DiscoverPostgresOptions,
): Promise<FoundDatabase> {
  if (found.problem !== null) return found;
  const place = withDatabase(address, found.name);
  try {
    const client = await connect(place, options.signal, options.lookup);
    const { rows } = await inSession(client, place, options.signal, () => client.query(UNREADABLE));
    const { count } = rows[0];
    if (count === 0) return { ...found, mayRead: true };
    const problem =
      count === 1
        ? '1 table or sequence cannot be read by this login'
        : `${count} tables and sequences cannot be read by this login`;
    return { ...found, mayRead: false, problem };
  } catch (error) {
    if (codeOf(error) === 'interrupted') throw error;
    // A rule of pg_hba.conf for this database, for example.
    return { ...found, mayConnect: false, problem: (error as Error).message };
  }
}
