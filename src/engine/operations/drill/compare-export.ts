/** A CSV export: every table of the restored database exported again, and its hash compared. */
import { hashTableAsCsv } from '../../sources/postgres/index.ts';
import type { RestoredExport } from './restore-all.ts';

export interface ExportComparison {
  readonly rows: readonly { readonly name: string; readonly rows: number }[];
  readonly differences: readonly string[];
}

export async function compareExport(
  { artifacts, database }: RestoredExport,
  signal: AbortSignal,
): Promise<ExportComparison> {
  const rows: { name: string; rows: number }[] = [];
  const differences: string[] = [];
  for (const { kind, facts, name } of artifacts) {
    if (kind !== 'pg-csv') continue;
    const { schema, name: table, columns, rows: wanted, sha256 } = facts;
    if (typeof schema !== 'string' || typeof table !== 'string' || !Array.isArray(columns)) {
      differences.push(`${name}: it does not say which table it is of`);
      continue;
    }
    const found = await hashTableAsCsv(database.adminUrl, { schema, name: table, columns }, signal);
    rows.push({ name: `${schema}.${table}`, rows: found.rows });
    if (found.rows !== wanted)
      differences.push(`${schema}.${table}: ${found.rows} rows instead of ${wanted}`);
    else if (found.sha256 !== sha256) differences.push(`${schema}.${table}: as many rows, but not the same`);
  }
  return { rows, differences };
}
