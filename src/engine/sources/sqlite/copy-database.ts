import { closeSync, openSync } from 'node:fs';
import { backup } from 'node:sqlite';
import { openLive } from './open-live.ts';

export interface CopyTask {
  readonly kind: 'copy';
  readonly path: string;
  /** Must not exist. */
  readonly copy: string;
  readonly busyTimeoutMs: number;
}

/** Small enough to report and stop between steps, large enough to cost nothing. */
const STEP_BYTES = 8 << 20;

/**
 * Copies every page as one moment shows it. The read transaction pins that moment, so the steps of the backup never
 * start over, however much others write; in rollback-journal mode it holds writers off until the copy is done.
 * Resolves with the version of SQLite that copied.
 */
export async function copyDatabase(task: CopyTask, onBytes: (bytes: number) => void): Promise<string> {
  const live = openLive(task.path, task.busyTimeoutMs);
  try {
    const { database } = live;
    const pageSize = Number(database.prepare('pragma page_size').get()!.page_size);
    closeSync(openSync(task.copy, 'wx', 0o600));
    let remaining: number | null = null;
    await backup(database, task.copy, {
      rate: Math.max(1, Math.floor(STEP_BYTES / pageSize)),
      progress({ totalPages, remainingPages }) {
        onBytes(((remaining ?? totalPages) - remainingPages) * pageSize);
        remaining = remainingPages;
      },
    });
    return String(database.prepare('select sqlite_version() as version').get()!.version);
  } finally {
    live.release();
  }
}
