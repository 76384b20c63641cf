/**
 * Exchanges two databases of one server by their names, in one transaction. From the moment that `ALTER DATABASE … RENAME` holds its lock
 * nobody new gets in (a session being started waits for it, and then finds that the name has moved on), while a second session ends
 * those who are still there: so there is no time at which the database is closed to everybody and a crash would leave it so.
 */
import type { Client } from 'pg';
import { asHoldfastError, HoldfastError, systemCode } from '../../base/errors.ts';
import { describeAddress, type PostgresAddress } from './address.ts';
import { carrySettings } from './carry-settings.ts';
import { endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { connectBeside, type NamedDatabase } from './live-database.ts';
import { quoteName } from './quote.ts';

export interface Connected {
  readonly user: string;
  readonly application: string;
  /** `local` for a Unix socket. */
  readonly client: string;
  readonly count: number;
}

export interface SwitchRequest {
  /** Of the live database. */
  readonly address: PostgresAddress;
  readonly live: NamedDatabase;
  /** Takes the name of the live one. */
  readonly next: NamedDatabase;
  /** What the live one is called afterwards. */
  readonly kept: string;
  /** How long running transactions may go on before their sessions are ended. */
  readonly graceMs: number;
  readonly signal?: AbortSignal;
  /** Told once, when somebody is connected. */
  readonly onConnected?: (who: readonly Connected[]) => void;
  /** Before each thing that changes something, for tests. */
  readonly onStep?: (step: string) => void;
}

const POLL_MS = 100;
const IN_USE = '55006';

const SESSIONS = `select usename::text as user, coalesce(application_name, '') as application,
  coalesce(client_addr::text, 'local') as client, pg_catalog.count(*)::int as count,
  pg_catalog.count(*) filter (where state is distinct from 'idle')::int as busy
from pg_catalog.pg_stat_activity where datid = $1::oid and backend_type in ('client backend', 'walsender')
group by 1, 2, 3 order by 4 desc, 1, 2, 3`;

/**
 * Grants, settings and limits of the live one go over to the other in the same transaction. Throws `target_busy` when sessions stay that
 * this login may not end, `target_failed`, `database_unreachable`, `interrupted`; then nothing is exchanged, except that after
 * `database_unreachable` only the server knows: ask for the oids.
 */
export async function switchDatabases(request: SwitchRequest): Promise<{ readonly ended: number }> {
  const { address, live, next, kept, onStep } = request;
  const avoid = [live.name, next.name, kept];
  const guard = await connectBeside(address, avoid);
  const work = await connectBeside(address, avoid).catch(async (error: unknown) => {
    await endQuietly(guard);
    throw error;
  });
  try {
    await waitForIdle(guard, request);
    await work.query('begin');
    await requireSame(work, request);
    await carrySettings(work, live.oid, next.name);
    onStep?.('drain');
    const first = await endSessions(guard, next.oid);
    const ended = await renameWhileEnding(work, guard, request);
    onStep?.('rename');
    await work.query(`alter database ${quoteName(next.name)} rename to ${quoteName(live.name)}`);
    onStep?.('commit');
    await work.query('commit');
    onStep?.('committed');
    return { ended: ended + first };
  } catch (error) {
    throw translated(error, request);
  } finally {
    await Promise.all([endQuietly(work), endQuietly(guard)]);
  }
}

function translated(error: unknown, { address, signal }: SwitchRequest): unknown {
  if (signal?.aborted) return new HoldfastError('interrupted');
  if (systemCode(error) === IN_USE) {
    return new HoldfastError(
      'target_busy',
      `${describeAddress(address)} is in use: ${(error as Error).message}`,
      {
        cause: error,
        next: 'end the sessions that are connected, or log in as a role that may, and run again',
      },
    );
  }
  return targetFailure(error, address);
}

async function requireSame(client: Client, { address, live, next, kept }: SwitchRequest): Promise<void> {
  const { rows } = await client.query(
    'select oid::text as oid, datname::text as name from pg_catalog.pg_database where datname = any($1)',
    [[live.name, next.name, kept]],
  );
  const isSame = (wanted: NamedDatabase) =>
    rows.some(({ oid, name }) => oid === wanted.oid && name === wanted.name);
  if (isSame(live) && isSame(next) && rows.length === 2) return;
  throw new HoldfastError(
    'target_failed',
    `${describeAddress(address)}: the databases ${live.name} and ${next.name} are not those that were found before`,
  );
}

/** Lets transactions that run come to their end, for a while. */
async function waitForIdle(client: Client, request: SwitchRequest): Promise<void> {
  const { live, graceMs, signal, onConnected } = request;
  const untilMs = performance.now() + graceMs;
  let isTold = false;
  for (;;) {
    if (signal?.aborted) throw new HoldfastError('interrupted');
    const { rows } = await client.query(SESSIONS, [live.oid]);
    if (rows.length > 0 && !isTold) {
      isTold = true;
      onConnected?.(
        rows.map(({ user, application, client: from, count }) => ({
          user,
          application,
          client: from,
          count,
        })),
      );
    }
    if (rows.every(({ busy }) => busy === 0) || performance.now() >= untilMs) return;
    await pause();
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

async function endSessions(client: Client, oid: string): Promise<number> {
  const { rows } = await client.query(
    `select pg_catalog.count(*) filter (where pg_catalog.pg_terminate_backend(pid))::int as ended
     from pg_catalog.pg_stat_activity where datid = $1::oid and pid <> pg_catalog.pg_backend_pid()`,
    [oid],
  );
  return rows[0].ended;
}

/** The server waits some seconds for others to leave before it gives up. */
async function renameWhileEnding(
  work: Client,
  guard: Client,
  { live, kept }: SwitchRequest,
): Promise<number> {
  let isSettled = false;
  let ended = 0;
  let refused: unknown = null;
  const renamed = work
    .query(`alter database ${quoteName(live.name)} rename to ${quoteName(kept)}`)
    .finally(() => {
      isSettled = true;
    });
  const outcome = renamed.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  while (!isSettled && refused === null) {
    try {
      ended += await endSessions(guard, live.oid);
    } catch (error) {
      refused = error;
    }
    await Promise.race([outcome, pause()]);
  }
  const failed = await outcome;
  if (failed === null) return ended;
  if (refused !== null && systemCode(failed.error) === IN_USE) {
    const why = asHoldfastError(refused).message;
    throw Object.assign(new Error(`${(failed.error as Error).message} (${why})`), { code: IN_USE });
  }
  throw failed.error;
}
