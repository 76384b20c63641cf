import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';

const THREAD = scriptBeside(import.meta.url, 'query-worker');

/**
 * One query of a file opened for reading only, in a thread of its own that is ended after `timeoutMs`. Values as text, a
 * blob as `\x` and hex, null for NULL. Throws `database_failed` with what SQLite said, `interrupted`.
 */
export async function querySqlite(
  path: string,
  sql: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly (readonly (string | null)[])[]> {
  const worker = new Worker(THREAD, { workerData: { path, sql }, execArgv: [] });
  let answer: { rows?: (string | null)[][]; message?: string } | null = null;
  let why: 'timeout' | 'aborted' | null = null;
  const end = (reason: 'timeout' | 'aborted') => {
    why ??= reason;
    void worker.terminate();
  };
  const onAbort = () => end('aborted');
  const timer = setTimeout(() => end('timeout'), timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  worker.once('message', (message) => {
    answer = message;
  });
  worker.once('error', (error: Error) => {
    answer ??= { message: error.message };
  });
  if (signal.aborted) onAbort();
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  clearTimeout(timer);
  signal.removeEventListener('abort', onAbort);
  const { rows, message } = (answer ?? {}) as { rows?: (string | null)[][]; message?: string };
  if (rows) return rows;
  if (why === 'aborted') throw new HoldfastError('interrupted');
  throw new HoldfastError(
    'database_failed',
    why === 'timeout'
      ? `the query took longer than ${timeoutMs} ms`
      : (message ?? 'the query gave no answer'),
  );
}
