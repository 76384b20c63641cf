/** PostgreSQL: connection lost, shutting down, starting up, too many clients, deadlock, serialization. */
const SQL_STATES = /^(08|57P0|53300|40001|40P01)/;
const SYSTEM_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);
/** The words of `pg` for what has no code. */
const MESSAGES =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable/i;

/** True for trouble of the database that passes by itself: the same again may succeed, and nothing was written. */
export function isTransient(error: unknown): boolean {
  const { code, errcode, message } = error as { code?: unknown; errcode?: unknown; message?: unknown };
  if (typeof errcode === 'number') return (errcode & 0xff) === 5;
  if (typeof code === 'string' && (SQL_STATES.test(code) || SYSTEM_CODES.has(code))) return true;
  return typeof message === 'string' && MESSAGES.test(message);
}
