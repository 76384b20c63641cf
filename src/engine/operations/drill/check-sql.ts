import { HoldfastError } from '../../base/errors.ts';
import { queryReadOnly } from '../../sources/postgres/index.ts';
import { querySqlite } from '../../sources/sqlite/index.ts';
import { judged } from './compare-content.ts';
import type { CheckResult, SqlCheck } from './drill-types.ts';
import { rowsDifference } from './expectation.ts';
import type { RestoredState } from './restore-all.ts';

/** Runs the user's query against the restored database: in a read-only transaction, with a time limit. */
export function checkSql(check: SqlCheck, state: RestoredState, signal: AbortSignal): Promise<CheckResult> {
  return judged(check.name, 'sql', signal, async () => {
    const rows = await query(check, state, signal);
    const difference = rowsDifference(rows, check.expect);
    if (difference !== null) return { status: 'red', detail: difference };
    return { status: 'green', detail: 'as expected' };
  });
}

function query(check: SqlCheck, state: RestoredState, signal: AbortSignal) {
  const postgres = [...state.dumps, ...state.scripts, ...state.exports].map(({ source, database }) => ({
    source,
    run: () => queryReadOnly(database.adminUrl, check.query, check.timeoutMs, signal),
  }));
  const sqlite = state.databases.map(({ artifact, path }) => ({
    source: artifact.source,
    run: () => querySqlite(path, check.query, check.timeoutMs, signal),
  }));
  const all = [...postgres, ...sqlite];
  const fitting = check.source === null ? all : all.filter(({ source }) => source === check.source);
  if (fitting.length === 1) return fitting[0]!.run();
  const known = [...new Set(all.map(({ source }) => source))].join(', ') || 'none';
  throw new HoldfastError(
    'config_invalid',
    fitting.length === 0
      ? `the backup holds no database of ${check.source ?? 'any source'}: it has ${known}`
      : `several databases were restored: name one of ${known} as source`,
  );
}
