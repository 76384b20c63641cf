import { existsSync, realpathSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { SQLITE, sqliteCode } from './failures.ts';

export interface LiveDatabase {
  /** Inside a read transaction: nothing it shows changes any more. */
  readonly database: DatabaseSync;
  /** Ends the transaction and closes. What lies beside the file is then as it was before. */
  release(): void;
}

const OPTIONS = { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true };

/**
 * Opens a database that others may be using and takes its point in time. Read-only wherever that is possible, so that
 * closing it makes no checkpoint. Waits up to `busyTimeoutMs` for a writer.
 *
 * The file is opened by SQLite alone: closing any other descriptor of it would drop the locks that connections of
 * this process hold (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
export function openLive(path: string, busyTimeoutMs: number): LiveDatabase {
  // SQLite keeps journals beside the real file.
  const wal = `${realpathSync(path)}-wal`;
  const hadWal = existsSync(wal);
  const database = begin(path, busyTimeoutMs);
  return {
    database,
    release() {
      database.close();
      if (!hadWal && existsSync(wal)) tidy(path);
    },
  };
}

/** A wait inside SQLite goes on when its thread is told to end; between two of these it ends. */
const WAIT_MS = 200;
const PAUSE_MS = 20;

function begin(path: string, timeoutMs: number): DatabaseSync {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return beginOnce(path, Math.max(0, Math.min(WAIT_MS, Math.ceil(untilMs - performance.now()))));
    } catch (error) {
      const code = sqliteCode(error);
      if ((code !== SQLITE.busy && code !== SQLITE.locked) || performance.now() >= untilMs) throw error;
    }
    // Some locks are refused without waiting.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}

function beginOnce(path: string, timeout: number): DatabaseSync {
  try {
    return beginWith(new DatabaseSync(path, { ...OPTIONS, timeout, readOnly: true }));
  } catch (error) {
    const code = sqliteCode(error);
    if (code !== SQLITE.readOnly && code !== SQLITE.cannotOpen) throw error;
    // A killed writer left a journal that must be played back first, as any reader would do.
    return beginWith(openExisting(path, timeout));
  }
}

function beginWith(database: DatabaseSync): DatabaseSync {
  try {
    database.exec('begin');
    // Takes the read lock without needing the schema, which may be damaged.
    database.prepare('pragma user_version').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens for writing, but never creates. */
export function openExisting(path: string, timeout: number): DatabaseSync {
  const url = pathToFileURL(path);
  url.search = '?mode=rw';
  return new DatabaseSync(url, { ...OPTIONS, timeout });
}

/** Opens a file that nobody writes to: without locks, and without files beside it. */
export function openImmutable(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.search = '?immutable=1';
  return new DatabaseSync(url, { ...OPTIONS, readOnly: true });
}

/**
 * The first reader of a resting WAL database makes -wal and -shm, and a read-only one cannot remove them. The last
 * one able to write can, and has nothing to carry over.
 */
function tidy(path: string): void {
  try {
    const database = openExisting(path, 0);
    try {
      database.prepare('pragma user_version').get();
    } finally {
      database.close();
    }
  } catch {
    // They stay: harmless, and the next user of the database takes them over.
  }
}
