import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** Runs `COPY … FROM STDIN` with the given bytes. Gives the number of rows the server took. */
export async function copyIn(
  client: Client,
  statement: string,
  bytes: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): Promise<number> {
  const target = client.query(copyFrom(statement));
  await pipeline(bytes, target, ...(signal ? [{ signal }] : []));
  return target.rowCount ?? 0;
}

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
