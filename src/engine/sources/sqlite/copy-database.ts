import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import { copyPlain, type PlainCopy } from './copy-plain.ts';
import { openLive } from './open-live.ts';

export interface CopyTask {
  readonly path: string;
  /** Must not exist. */
  readonly copy: string;
  readonly busyTimeoutMs: number;
}

export interface CopyResult {
  /** The version of SQLite that copied. */
  readonly sqliteVersion: string;
  /** How much of its last page the database lacks: SQLite takes zeros for it, and no check notices. */
  readonly missingBytes: number;
}

/** Small enough to report and stop between steps, large enough to cost nothing. */
const STEP_BYTES = 8 << 20;

/**
 * Copies every page as one moment shows it. The read transaction pins that moment, so the steps of the backup never
 * start over, however much others write; in rollback-journal mode it holds writers off until the copy is done. Where all of it lies
 * in the file itself, the file is copied; otherwise SQLite copies page by page. Only for a process of its own: see `copyPlain`.
 */
export async function copyDatabase(
  task: CopyTask,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<CopyResult> {
  const live = openLive(task.path, task.busyTimeoutMs);
  try {
    const { database } = live;
    const pageSize = Number(database.prepare('pragma page_size').get()!.page_size);
    const missing = missingBytes(database, task.path, pageSize);
    const { path, copy } = task;
    const { version } = database.prepare('select sqlite_version() as version').get()!;
    const sqliteVersion = String(version);
    const copying = { path, copy, pageSize, sqliteVersion, onBytes, signal };
    if (!(await copyPlain(database, copying))) await copyPages(database, copying);
    return { sqliteVersion, missingBytes: missing };
  } finally {
    live.release();
  }
}

async function copyPages(
  database: DatabaseSync,
  { copy, pageSize, onBytes, signal }: PlainCopy,
): Promise<void> {
  closeSync(openSync(copy, 'wx', 0o600));
  let remaining: number | null = null;
  await backup(database, copy, {
    rate: Math.max(1, Math.floor(STEP_BYTES / pageSize)),
    progress({ totalPages, remainingPages }) {
      signal.throwIfAborted();
      onBytes(((remaining ?? totalPages) - remainingPages) * pageSize);
      remaining = remainingPages;
    },
  });
}

/** Without a WAL the transaction keeps the file as it is; with one, what is missing may be there. */
function missingBytes(database: DatabaseSync, path: string, pageSize: number): number {
  const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const sizeBytes = sizeOf(path);
  if (sizeBytes === 0 || sizeOf(`${realpathSync(path)}-wal`) > 0) return 0;
  const pageCount = Number(database.prepare('pragma page_count').get()!.page_count);
  return Math.max(0, pageCount * pageSize - sizeBytes);
}
