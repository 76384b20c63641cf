import { type ErrorCode, HoldfastError, systemCode } from '../../base/errors.ts';
import { describeAddress, type PostgresAddress } from './address.ts';

/** SQLSTATEs (PostgreSQL manual, appendix A) that mean something more particular than "it failed". */
const STATES: Readonly<Record<string, ErrorCode>> = {
  '28000': 'database_auth',
  '28P01': 'database_auth',
  '3D000': 'source_missing',
  '42501': 'source_denied',
  '53100': 'target_failed',
  '53300': 'database_unreachable',
  '55P03': 'source_busy',
  '57P01': 'database_unreachable',
  '57P02': 'database_unreachable',
  '57P03': 'database_unreachable',
};

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EACCES',
]);

/** Words in messages of `pg` and of libpq's tools (with LC_ALL=C), first match wins. */
const WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/password authentication failed|no pg_hba\.conf entry|no password supplied/i, 'database_auth'],
  [/client password must be a |authentication failed|FATAL: +role ".*" does not exist/i, 'database_auth'],
  [/database ".*" does not exist/, 'source_missing'],
  [/server version mismatch/, 'tool_missing'],
  [
    /server closed the connection|terminating connection|connection to server .* failed/,
    'database_unreachable',
  ],
  [/could not connect|no connection to the server|the database system is/i, 'database_unreachable'],
  [/connection terminated|connection ended|timeout expired|not queryable|SSL/i, 'database_unreachable'],
  [/due to (lock|statement) timeout|could not obtain lock/, 'source_busy'],
  [/permission denied|row-level security policy/, 'source_denied'],
];

/** The code for what a database or a tool of it said; `otherwise` when nothing is recognised. */
export function codeOfMessage(message: string, otherwise: ErrorCode): ErrorCode {
  return WORDS.find(([words]) => words.test(message))?.[1] ?? otherwise;
}

/**
 * Turns an error of the `pg` client into ours: `database_unreachable`, `database_auth`, `source_missing`,
 * `source_denied`, `source_busy` or `otherwise`. Ours pass unchanged. Never repeats the password.
 */
export function databaseFailure(
  error: unknown,
  address: PostgresAddress,
  otherwise: ErrorCode = 'source_failed',
): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const text = messageOf(error);
  // What the client says of a password that is not there speaks of its handshake.
  if (address.password === '' && /client password must be a /.test(text)) {
    return new HoldfastError(
      'database_auth',
      `${describeAddress(address)} asks for a password, and none was given`,
      {
        cause: error,
        next: 'set PGPASSWORD, write it into ~/.pgpass, or give the address by urlEnv of a configuration',
      },
    );
  }
  const state = systemCode(error) ?? '';
  const code =
    STATES[state] ?? (NETWORK.has(state) ? 'database_unreachable' : codeOfMessage(text, otherwise));
  return new HoldfastError(code, withoutSecret(`${describeAddress(address)}: ${text}`, address), {
    cause: error,
  });
}

/** As `databaseFailure`, in the words of a restore: what the target lacks or refuses is no fault of the source. */
export function targetFailure(error: unknown, address: PostgresAddress): HoldfastError {
  const failure = databaseFailure(error, address, 'database_failed');
  const code = targetCode(failure.code);
  if (code === failure.code) return failure;
  const isMissing = failure.code === 'source_missing';
  return new HoldfastError(code, failure.message, {
    cause: error,
    ...(isMissing && { next: 'make the database (createdb), or correct its name' }),
  });
}

/** The code of a restore for one of a source. */
export function targetCode(code: ErrorCode): ErrorCode {
  if (code === 'source_busy') return 'target_busy';
  return code.startsWith('source_') ? 'target_failed' : code;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Takes the password out of a text, should a tool ever repeat it. */
export function withoutSecret(text: string, address: PostgresAddress): string {
  return address.password.length < 4 ? text : text.replaceAll(address.password, '…');
}
