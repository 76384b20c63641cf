import { type LookupFunction, Socket } from 'node:net';
import { Client } from 'pg';
import { type ErrorCode, HoldfastError } from '../../base/errors.ts';
import { describeAddress, type PostgresAddress, type TlsChoice, tlsChoices } from './address.ts';
import { databaseFailure } from './failures.ts';

const CONNECT_TIMEOUT_MS = 15_000;

/** Settings every session of ours needs: what an operator set for applications must not end a backup. */
const SESSION = `set statement_timeout = 0; set lock_timeout = 0;
set idle_in_transaction_session_timeout = 0; set client_min_messages = warning; set datestyle = 'ISO';`;

/**
 * Opens a session. The caller ends it. A connection lost later fails the next query instead of the process. `lookup` resolves the
 * host instead of the system. Throws `database_unreachable`, `database_auth`, `source_missing`.
 */
export async function connect(
  address: PostgresAddress,
  signal?: AbortSignal,
  lookup?: LookupFunction,
): Promise<Client> {
  const client = await firstThatConnects(address, lookup);
  try {
    if (signal?.aborted) throw new HoldfastError('interrupted');
    await client.query(SESSION);
    return client;
  } catch (error) {
    await endQuietly(client);
    throw databaseFailure(error, address);
  }
}

async function firstThatConnects(address: PostgresAddress, lookup?: LookupFunction): Promise<Client> {
  const choices = tlsChoices(address);
  for (const [i, tls] of choices.entries()) {
    const client = new Client({
      ...clientOptions(address, tls),
      ...(lookup && { stream: () => socketBy(lookup) }),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      await endQuietly(client);
      const plainIsNext = i + 1 < choices.length && /does not support SSL/.test(String(error));
      if (!plainIsNext) throw databaseFailure(error, address, 'database_unreachable');
    }
  }
  throw new HoldfastError('database_unreachable', describeAddress(address));
}

function clientOptions(address: PostgresAddress, tls: TlsChoice) {
  const { application_name, options, connect_timeout } = address.parameters;
  const seconds = Number(connect_timeout ?? 0);
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    // A function, so that an absent password is not looked up in this process's environment.
    password: () => address.password,
    ssl: tls,
    keepAlive: true,
    application_name: application_name ?? 'holdfast',
    connectionTimeoutMillis: seconds > 0 ? seconds * 1000 : CONNECT_TIMEOUT_MS,
    ...(options ? { options } : {}),
  };
}

/** A socket for the client, which calls its `connect` with port and host. */
function socketBy(lookup: LookupFunction): Socket {
  const socket = new Socket();
  const connectWith = socket.connect.bind(socket);
  const byLookup = (port: number | string, host?: string) =>
    typeof port === 'number' ? connectWith({ port, host: host ?? '', lookup }) : connectWith(port);
  socket.connect = byLookup as unknown as Socket['connect'];
  return socket;
}

/**
 * Does `work` in an open session and ends that, at once when the signal comes. Throws `interrupted`, and what `work` throws as
 * `databaseFailure` tells it.
 */
export async function inSession<T>(
  client: Client,
  address: PostgresAddress,
  signal: AbortSignal,
  work: () => Promise<T>,
  otherwise?: ErrorCode,
): Promise<T> {
  const stop = () => void endQuietly(client);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) throw new HoldfastError('interrupted');
    return await work();
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    throw databaseFailure(error, address, otherwise);
  } finally {
    signal.removeEventListener('abort', stop);
    await endQuietly(client);
  }
}

/** Ends a session whatever its state; never throws. */
export async function endQuietly(client: Client): Promise<void> {
  try {
    await client.end();
  } catch {
    // The connection is gone already, which is all that was wanted.
  }
}
