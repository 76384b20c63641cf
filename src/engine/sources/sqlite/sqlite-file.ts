import { constants } from 'node:fs';
import { access, open, realpath, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';

const MAGIC = Buffer.from('SQLite format 3\0');
const HEADER_BYTES = 100;

/** Whether a file that begins so is a database of SQLite. */
export const isSqliteHeader = (bytes: Buffer): boolean => bytes.subarray(0, MAGIC.length).equals(MAGIC);

/**
 * True for a file with SQLite's header; false for anything else, also for an empty file, which is a valid empty
 * database too. Throws `source_missing`, `source_denied`, `source_failed`. Not for a file of which this process has a
 * connection open: closing the descriptor drops its locks.
 */
export async function isSqliteFile(path: string): Promise<boolean> {
  return orSourceError(path, async () => {
    if (!(await stat(path)).isFile()) return false;
    return isSqliteHeader(await readHeader(path));
  });
}

/**
 * Looks at a database without opening it: its size with its WAL. Throws `source_missing`, `source_denied`, and
 * `source_failed` for what is no file.
 */
export async function sizeOnDisk(path: string): Promise<number> {
  return orSourceError(path, async () => {
    const { size, isFile } = await stat(path).then((stats) => ({ size: stats.size, isFile: stats.isFile() }));
    if (!isFile) throw new HoldfastError('source_failed', `${path} is not a file`);
    await access(path, constants.R_OK);
    const wal = await stat(`${await realpath(path)}-wal`).catch(() => null);
    return size + (wal?.size ?? 0);
  });
}

/** Throws `source_failed` when a copy of this size does not fit beside `copy`. */
export async function requireSpace(copy: string, sizeBytes: number): Promise<void> {
  const folder = dirname(copy);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > sizeBytes) return;
  throw new HoldfastError('source_failed', `a copy of ${sizeBytes} bytes does not fit into ${folder}`, {
    next: 'free space there, or move the folder for temporary files',
  });
}

export interface CopyHeader {
  readonly pageSize: number;
  /** `persist` and `truncate` are choices of a connection, and read as `delete` here. */
  readonly journalMode: 'wal' | 'delete';
}

/** What the header of a complete copy states. */
export async function copyHeader(path: string): Promise<CopyHeader> {
  const header = await readHeader(path);
  const stated = header.readUInt16BE(16);
  return { pageSize: stated === 1 ? 65536 : stated, journalMode: header[18] === 2 ? 'wal' : 'delete' };
}

async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function orSourceError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof HoldfastError || code === null) throw error;
    throw readFailure(path, code, error);
  }
}

/** What a code of the system means for a source at `path`: `source_missing`, `source_denied`, `source_failed`. */
export function readFailure(path: string, code: string, cause?: unknown): HoldfastError {
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new HoldfastError('source_missing', `${path} does not exist`, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new HoldfastError('source_denied', `${path} cannot be read with these permissions`, { cause });
  }
  return new HoldfastError('source_failed', `${path} cannot be read: ${code}`, { cause });
}
