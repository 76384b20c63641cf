import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ErrorCode, HoldfastError, systemCode } from '../base/errors.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'object_missing',
  ENOSPC: 'storage_full',
  EDQUOT: 'storage_full',
  EACCES: 'storage_denied',
  EPERM: 'storage_denied',
  EROFS: 'storage_denied',
};

/** Translates a file system error; anything else (ours, an abort, a failing content stream) passes unchanged. */
export function localFailure(error: unknown, what: string): unknown {
  const code = systemCode(error);
  if (error instanceof HoldfastError || code === null || !/^E[A-Z0-9]+$/.test(code)) return error;
  const file = code === 'ENOTDIR' ? fileInTheWay((error as { path?: unknown }).path) : null;
  if (file !== null) {
    return new HoldfastError('storage_io', `${what}: ${file} is no folder`, {
      cause: error,
      next: 'check the address of the destination: it names a folder',
    });
  }
  const ours = CODES[code] ?? 'storage_io';
  const detail = ours === 'object_missing' ? `${what} is missing` : `${what}: ${(error as Error).message}`;
  return new HoldfastError(ours, detail, { cause: error });
}

/** The part of a path that should be a folder and is none; null when it cannot be told. */
function fileInTheWay(path: unknown): string | null {
  if (typeof path !== 'string') return null;
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    try {
      return statSync(at).isDirectory() ? null : at;
    } catch {
      // Below the one that is none.
    }
  }
  return null;
}
