import { truncate } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { CheckResult } from './check-database.ts';
import { runTask } from './sqlite-task.ts';

/**
 * A check that is under way inside SQLite cannot be stopped; but it ends at once when nothing is left to check.
 * An abort therefore empties the file at `path`, which must be a copy of ours. Null when the bytes are those whose SHA-256 in hex is
 * `passed`, which need no second check. `bySqlite`: see `checkDatabase`. Throws `interrupted`.
 */
export async function checkUntilAborted(
  path: string,
  passed: string | null,
  signal: AbortSignal,
  bySqlite = false,
): Promise<CheckResult | null> {
  const empty = () => void truncate(path, 0).catch(() => {});
  if (signal.aborted) throw new HoldfastError('interrupted');
  signal.addEventListener('abort', empty, { once: true });
  try {
    return await runTask<'check'>({ kind: 'check', path, passed, bySqlite }, { signal });
  } finally {
    signal.removeEventListener('abort', empty);
  }
}
