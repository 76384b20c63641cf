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
  const ours = CODES[code] ?? 'storage_io';
  const detail = ours === 'object_missing' ? `${what} is missing` : `${what}: ${(error as Error).message}`;
  return new HoldfastError(ours, detail, { cause: error });
}
