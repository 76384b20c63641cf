import { existsSync } from 'node:fs';
import { type ErrorCode, systemCode } from '../../base/errors.ts';

/** Primary result codes: https://www.sqlite.org/rescode.html */
export const SQLITE = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  auth: 23,
  notADatabase: 26,
} as const;

/** An error of SQLite's without its extended part; 0 for anything else. */
export function sqliteCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : 0;
}

/** A failure as it crosses the border between threads. */
export interface TaskFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next?: string;
}

/** Says what an error means for the database at `path`. */
export function describeFailure(error: unknown, path: string, waitedMs: number): TaskFailure {
  const code = sqliteCode(error);
  if (code === SQLITE.busy || code === SQLITE.locked) {
    return { code: 'source_busy', message: `${path} stayed locked for ${waitedMs} ms` };
  }
  if (code === SQLITE.notADatabase) {
    return {
      code: 'source_damaged',
      message: `${path} is not an SQLite database, or is encrypted`,
      next: 'check the path; back it up as files to keep it as it is',
    };
  }
  // SQLite does not tell a file that went away meanwhile from one it may not open.
  if (systemCode(error) === 'ENOENT' || (code === SQLITE.cannotOpen && !existsSync(path))) {
    return { code: 'source_missing', message: `${path} does not exist` };
  }
  const text = error instanceof Error ? error.message : String(error);
  if (code === SQLITE.corrupt) return { code: 'source_damaged', message: `${path} is damaged: ${text}` };
  if (code === SQLITE.cannotOpen || code === SQLITE.readOnly || code === SQLITE.auth) {
    return {
      code: 'source_denied',
      message: `${path} cannot be opened with these permissions: ${text}`,
      next: 'run as its owner, or grant write access to the file and its folder, where SQLite keeps its locks',
    };
  }
  return { code: 'source_failed', message: `${path}: ${text}` };
}
