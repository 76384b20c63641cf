import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const { path, sql } = workerData as { readonly path: string; readonly sql: string };
try {
  const database = new DatabaseSync(path, { readOnly: true, enableDoubleQuotedStringLiterals: true });
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const rows = (statement.all() as unknown as unknown[][]).map((row) => row.map(textOf));
  database.close();
  parentPort!.postMessage({ rows });
} catch (error) {
  parentPort!.postMessage({ message: (error as Error).message });
}

function textOf(value: unknown): string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : String(value);
}
