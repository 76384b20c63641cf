import { Worker } from 'node:worker_threads';
import { type ErrorCode, HoldfastError } from '../../base/errors.ts';

/** What is known of a database, taken from the live one and from its copy. */
export interface LiveFacts {
  readonly sqliteVersion: string;
  readonly journalMode: string;
}

export interface CopyFacts {
  readonly pageSize: number;
  readonly pageCount: number;
  readonly encoding: string;
  readonly userVersion: number;
  readonly applicationId: number;
  readonly autoVacuum: number;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  /** First complaints of `integrity_check`; empty when it said `ok`. */
  readonly damage: readonly string[];
  readonly foreignKeyViolations: number;
}

export type Task =
  | { readonly kind: 'copy'; readonly path: string; readonly copy: string; readonly busyTimeoutMs: number }
  | { readonly kind: 'check'; readonly path: string }
  | { readonly kind: 'probe'; readonly path: string };

export type Answer =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/**
 * Runs one task in a thread of its own, since SQLite's calls block. Aborting ends the thread. Rejects with the
 * task's error, or `interrupted`.
 */
export function runTask<T>(task: Task, signal?: AbortSignal): Promise<T> {
  const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(file, import.meta.url), { workerData: task, execArgv: [] });
    const onAbort = () => {
      void worker.terminate();
      reject(new HoldfastError('interrupted'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    worker.once('message', (answer: Answer) => {
      if (answer.kind === 'done') resolve(answer.value as T);
      else reject(new HoldfastError(answer.code, answer.message));
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      signal?.removeEventListener('abort', onAbort);
      reject(new HoldfastError('internal', 'the SQLite thread ended without an answer'));
    });
  });
}
