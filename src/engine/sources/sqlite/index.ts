/** The door to the SQLite source: a live database in, one file out, and back. */
import type { CheckResult } from './check-database.ts';
import { checkUntilAborted } from './check-until-aborted.ts';

export { compareSqlite } from './compare-sqlite.ts';
export { DISCOVERY_LIMITS, discoverSqlite, type FoundSqlite } from './discover/index.ts';
export { querySqlite } from './query-sqlite.ts';
export { exchangeSqlite, type RestoreSqliteOptions, restoreSqlite } from './restore-sqlite.ts';
export { openRetainedSqlite } from './retained-table.ts';
export { isSqliteFile } from './sqlite-file.ts';
export { type SqliteOptions, sqliteSource } from './sqlite-source.ts';

/** Integrity as SQLite alone sees it, foreign keys and row counts of a copy of ours; an abort empties the file. Throws `interrupted`. */
export async function checkSqliteFile(path: string, signal: AbortSignal): Promise<CheckResult> {
  return (await checkUntilAborted(path, null, signal, true))!;
}
