import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { HoldfastError, systemCode } from '../../base/errors.ts';

const MAGIC = Buffer.from('SQLite format 3\0');
const HEADER_BYTES = 100;

/** True for a file with SQLite's header. An empty file is a valid empty database too, and gives false here. */
export async function isSqliteFile(path: string): Promise<boolean> {
  const header = await readHeader(path);
  return header.subarray(0, MAGIC.length).equals(MAGIC);
}

/**
 * The page size a database file states; 4096 for an empty one. Throws `source_missing`, `source_denied`, and
 * `source_damaged` for a file that is none (or is encrypted).
 */
export async function pageSizeOf(path: string): Promise<number> {
  const header = await readHeader(path);
  if (header.length === 0) return 4096;
  if (!header.subarray(0, MAGIC.length).equals(MAGIC) || header.length < HEADER_BYTES) {
    throw new HoldfastError('source_damaged', `${path} is not an SQLite database, or is encrypted`, {
      next: 'check the path; back it up as files to keep it as it is',
    });
  }
  const stated = header.readUInt16BE(16);
  return stated === 1 ? 65536 : stated;
}

async function readHeader(path: string): Promise<Buffer> {
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw translated(error, path);
  }
}

function translated(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new HoldfastError('source_missing', `${path} does not exist`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new HoldfastError('source_denied', `${path} cannot be read with these permissions`, {
      cause: error,
    });
  }
  if (code === null) return error;
  return new HoldfastError('source_failed', `${path} cannot be read: ${code}`, { cause: error });
}
