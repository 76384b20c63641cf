import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import { openLive } from './open-live.ts';

export interface CopyTask {
  readonly kind: 'copy';
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
 * start over, however much others write; in rollback-journal mode it holds writers off until the copy is done.
 */
export async function copyDatabase(task: CopyTask, onBytes: (bytes: number) => void): Promise<CopyResult> {
  const live = openLive(task.path, task.busyTimeoutMs);
  try {
    const { database } = live;
    const pageSize = Number(database.prepare('pragma page_size').get()!.page_size);
    const missing = missingBytes(database, task.path, pageSize);
    closeSync(openSync(task.copy, 'wx', 0o600));
    let remaining: number | null = null;
    await backup(database, task.copy, {
      rate: Math.max(1, Math.floor(STEP_BYTES / pageSize)),
      progress({ totalPages, remainingPages }) {
        onBytes(((remaining ?? totalPages) - remainingPages) * pageSize);
        remaining = remainingPages;
      },
    });
    const { version } = database.prepare('select sqlite_version() as version').get()!;
    return { sqliteVersion: String(version), missingBytes: missing };
  } finally {
    live.release();
  }
}

/** Without a WAL the transaction keeps the file as it is; with one, what is missing may be there. */
function missingBytes(database: DatabaseSync, path: string, pageSize: number): number {
  const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const sizeBytes = sizeOf(path);
  if (sizeBytes === 0 || sizeOf(`${realpathSync(path)}-wal`) > 0) return 0;
  const pageCount = Number(database.prepare('pragma page_count').get()!.page_count);
  return Math.max(0, pageCount * pageSize - sizeBytes);
}
