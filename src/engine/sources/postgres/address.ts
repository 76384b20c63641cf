import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { HoldfastError } from '../../base/errors.ts';

/** Where a database is and how to log in, after libpq's connection URIs (PostgreSQL manual, 34.1.1.2). */
export interface PostgresAddress {
  /** A host name, an address, or the folder of a Unix socket. Never empty. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Empty when none was given. */
  readonly password: string;
  readonly database: string;
  /** The rest of what libpq knows (`sslmode`, `options`, …); what it does not know was left out. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** libpq's connection parameters and the variables its tools take them from (manual, 34.15). */
const VARIABLES: Readonly<Record<string, string>> = {
  application_name: 'PGAPPNAME',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  gssencmode: 'PGGSSENCMODE',
  hostaddr: 'PGHOSTADDR',
  krbsrvname: 'PGKRBSRVNAME',
  options: 'PGOPTIONS',
  requirepeer: 'PGREQUIREPEER',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  sslcert: 'PGSSLCERT',
  sslcrl: 'PGSSLCRL',
  sslkey: 'PGSSLKEY',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslsni: 'PGSSLSNI',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
};

const DEBIAN_SOCKETS = '/var/run/postgresql';
const URI = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/**
 * Reads `postgres://` and `postgresql://` addresses. Parameters that only application frameworks know, such as
 * `schema` or `pgbouncer`, are left out. Throws `config_invalid` without repeating the address: it may hold a password.
 */
export function parsePostgresAddress(url: string): PostgresAddress {
  const match = URI.exec(url.trim());
  if (!match) throw invalid('is not of the form postgres://user:password@host:port/database');
  const [, login = '', place = '', path = '', query = ''] = match;
  const given = parametersOf(query);
  const [loginUser, loginPassword] = splitOnce(login, ':');
  const { host, port } = placeOf(place);
  const user = given.get('user') ?? decode(loginUser) ?? '';
  const role = user === '' ? userInfo().username : user;
  return {
    host: (given.get('host') ?? host) || DEBIAN_SOCKETS,
    port: portOf(given.get('port') ?? port),
    user: role,
    password: given.get('password') ?? decode(loginPassword ?? ''),
    database: (given.get('dbname') ?? decode(path)) || role,
    parameters: knownParameters(given),
  };
}

function invalid(reason: string): HoldfastError {
  return new HoldfastError('config_invalid', `the database address ${reason}`);
}

function splitOnce(text: string, separator: string): [string, string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('holds a % that is not followed by two hex digits; write % itself as %25');
  }
}

function placeOf(place: string): { host: string; port: string } {
  if (place.includes(',')) throw invalid('names several hosts; name one');
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(place);
  if (!match) throw invalid('holds a host that is not understood');
  return { host: decode(match[1]!.replace(/^\[(.*)\]$/, '$1')), port: match[2] ?? '' };
}

function portOf(text: string): number {
  if (text === '') return 5432;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalid('holds a port that is not one');
  return port;
}

function parametersOf(query: string): Map<string, string> {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair) => {
      const [name, value] = splitOnce(pair, '=');
      return [decode(name), decode(value ?? '')];
    }),
  );
}

function knownParameters(given: Map<string, string>): Record<string, string> {
  const known = Object.fromEntries([...given].filter(([name]) => Object.hasOwn(VARIABLES, name)));
  if (known.sslmode === 'no-verify') known.sslmode = 'require';
  if (known.sslmode === undefined && ['true', '1'].includes(given.get('ssl') ?? ''))
    known.sslmode = 'require';
  return known;
}

/** The address without its secret, for messages. */
export function describeAddress(address: PostgresAddress): string {
  return `postgres://${address.user}@${address.host}:${address.port}/${address.database}`;
}

/** The same server and login, another database. */
export function withDatabase(address: PostgresAddress, database: string): PostgresAddress {
  return { ...address, database };
}

/** All a client tool needs to connect, as variables: arguments would show in the process list. */
export function connectionVariables(address: PostgresAddress): Record<string, string> {
  const variables: Record<string, string> = {
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGDATABASE: address.database,
  };
  if (address.password !== '') variables.PGPASSWORD = address.password;
  for (const [name, value] of Object.entries(address.parameters)) variables[VARIABLES[name]!] = value;
  return variables;
}

export type TlsChoice = false | ConnectionOptions;

/**
 * What to try in turn, by libpq's meaning of `sslmode`: `prefer`, the default, goes on without TLS where the server
 * has none. A socket never uses TLS. Throws `config_invalid` when a named file cannot be read.
 */
export function tlsChoices(address: PostgresAddress): readonly TlsChoice[] {
  const mode = address.parameters.sslmode ?? 'prefer';
  if (address.host.startsWith('/') || mode === 'disable' || mode === 'allow') return [false];
  const { sslrootcert, sslcert, sslkey } = address.parameters;
  const identity: ConnectionOptions = {
    ...(sslrootcert && sslrootcert !== 'system' ? { ca: fileOf(sslrootcert) } : {}),
    ...(sslcert ? { cert: fileOf(sslcert) } : {}),
    ...(sslkey ? { key: fileOf(sslkey) } : {}),
  };
  if (mode === 'verify-full') return [identity];
  if (mode === 'verify-ca' || (mode === 'require' && identity.ca)) {
    return [{ ...identity, checkServerIdentity: () => undefined }];
  }
  const unchecked = { ...identity, rejectUnauthorized: false };
  return mode === 'prefer' ? [unchecked, false] : [unchecked];
}

function fileOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new HoldfastError('config_invalid', `the certificate file ${path} cannot be read`, { cause });
  }
}
