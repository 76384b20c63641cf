import { parsePostgresAddress } from './address.ts';
import { connect, inSession } from './connect.ts';

/** Values as the server writes them; null for NULL. */
export type TextRow = readonly (string | null)[];

const asText = { getTypeParser: () => (value: string) => value };

/**
 * One statement in a read-only transaction that is rolled back. Throws `database_failed` with what the server said,
 * also when it took longer than `timeoutMs`, and what connecting throws.
 */
export async function queryReadOnly(
  url: string,
  sql: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly TextRow[]> {
  const address = parsePostgresAddress(url);
  const client = await connect(address, signal);
  const work = async () => {
    await client.query(`set statement_timeout = ${Math.floor(timeoutMs)}`);
    await client.query('begin transaction read only');
    // By the extended protocol, which takes one statement: none can end the transaction and go on.
    const request = { text: sql, rowMode: 'array' as const, types: asText, queryMode: 'extended' };
    const { rows } = await client.query(request as unknown as { text: string; rowMode: 'array' });
    await client.query('rollback');
    return rows as unknown as TextRow[];
  };
  return inSession(client, address, signal, work, 'database_failed');
}
