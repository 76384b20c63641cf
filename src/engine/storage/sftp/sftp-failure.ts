import { type ErrorCode, HoldfastError } from '../../base/errors.ts';

/** Status codes of the SFTP protocol: draft-ietf-secsh-filexfer-02, section 7, and two of -13 that some servers send. */
export const STATUS = {
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  noConnection: 6,
  connectionLost: 7,
  unsupported: 8,
  writeProtected: 12,
  noSpace: 14,
  quotaExceeded: 15,
} as const;

/** The connection broke or went silent: what was asked may or may not have been done. Never leaves this folder. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** The status code a server answered with; null for an error that is not an answer of a server. */
export function statusOf(error: unknown): number | null {
  const code = error instanceof Error ? (error as { code?: unknown }).code : null;
  return typeof code === 'number' ? code : null;
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  [STATUS.noSuchFile]: 'object_missing',
  [STATUS.permissionDenied]: 'storage_denied',
  [STATUS.writeProtected]: 'storage_denied',
  [STATUS.noSpace]: 'storage_full',
  [STATUS.quotaExceeded]: 'storage_full',
};

/** Translates what a server answered; anything else (ours, an abort, a failing content stream) passes unchanged. */
export function sftpFailure(error: unknown, what: string): unknown {
  const status = statusOf(error);
  if (error instanceof HoldfastError || status === null) return error;
  const code = CODES[status] ?? 'storage_io';
  if (code === 'object_missing') return new HoldfastError(code, `${what} is missing`, { cause: error });
  const text = `${what}: the server answered ${JSON.stringify((error as Error).message)}`;
  return new HoldfastError(code, text, { cause: error });
}
