import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { copyOut } from './copy-out.ts';
import { OUTPUT } from './copy-session.ts';
import { databaseFailure } from './failures.ts';
import { quoteName, quoteQualified } from './quote.ts';

/** Rows and SHA-256 of a table as a CSV export would write it, with these columns. Throws what connecting throws, `database_failed`. */
export async function hashTableAsCsv(
  url: string,
  table: { readonly schema: string; readonly name: string; readonly columns: readonly string[] },
  signal: AbortSignal,
): Promise<{ rows: number; sha256: string }> {
  const address = parsePostgresAddress(url);
  const client = await connect(address, signal);
  const { schema, name, columns } = table;
  const list = columns.length === 0 ? '' : ` (${columns.map(quoteName).join(', ')})`;
  const hash = createHash('sha256');
  try {
    await client.query(OUTPUT);
    const statement = `copy ${quoteQualified(schema, name)}${list} to stdout (format csv, header true)`;
    const rows = await copyOut(client, statement, (bytes) => {
      if (signal.aborted) throw new HoldfastError('interrupted');
      hash.update(bytes);
    });
    return { rows, sha256: hash.digest('hex') };
  } catch (error) {
    throw databaseFailure(error, address, 'database_failed');
  } finally {
    await endQuietly(client);
  }
}
