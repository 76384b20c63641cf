import type { Client } from 'pg';
import { codeOf, HoldfastError } from '../../base/errors.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import type { RestoreContext } from './restore-context.ts';

/**
 * Runs a statement of the archive that may take long. A signal cancels it on the server. Throws `database_failed` naming
 * what it makes, and what connections throw.
 */
export async function runStatement(
  { address, signal }: Pick<RestoreContext, 'address' | 'signal'>,
  client: Client,
  sql: string,
  name: string,
): Promise<void> {
  const cancel = () => void cancelQuery(address, client);
  if (signal?.aborted) throw new HoldfastError('interrupted');
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await client.query(sql);
  } catch (error) {
    throw naming(name, targetFailure(error, address));
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Says in a failure of the database what it was about. */
export function naming(name: string, error: HoldfastError): HoldfastError {
  if (codeOf(error) !== 'database_failed') return error;
  return new HoldfastError('database_failed', `${name}: ${error.message}`, { cause: error });
}

/** A closed connection alone does not end a statement: the server would only notice at its end. Never throws. */
async function cancelQuery(address: RestoreContext['address'], client: Client): Promise<void> {
  const { processID } = client as Client & { readonly processID: number | null };
  try {
    const other = await connect(address);
    await other
      .query('select pg_catalog.pg_cancel_backend($1)', [processID])
      .finally(() => endQuietly(other));
  } catch {
    // It goes on until its end, then; nobody waits for its result any more.
  }
}
