import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';

/** Runs `COPY … TO STDOUT`, awaiting `onBytes` for each piece. Gives the number of rows. */
export async function copyOut(
  client: Client,
  statement: string,
  onBytes: (bytes: Buffer) => void | Promise<void>,
): Promise<number> {
  const source = client.query(copyTo(statement));
  for await (const bytes of source) await onBytes(bytes);
  return source.rowCount ?? 0;
}
