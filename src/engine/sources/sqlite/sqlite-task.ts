import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import type { CheckResult } from './check-database.ts';
import type { TaskFailure } from './failures.ts';
import type { ReplaceTask } from './replace-database.ts';

export interface CheckTask {
  readonly kind: 'check';
  readonly path: string;
  /** SHA-256 in hex of bytes that passed: a file of these bytes is not checked again. */
  readonly passed: string | null;
  /** By SQLite alone, which takes several times as long. */
  readonly bySqlite: boolean;
}

export type Task = CheckTask | ReplaceTask;

/** What each task gives. */
export interface Results {
  /** Null for bytes that passed before. */
  readonly check: CheckResult | null;
  readonly replace: null;
}

export type Answer =
  | { readonly kind: 'done'; readonly value: Results[keyof Results] }
  | { readonly kind: 'failed'; readonly failure: TaskFailure };

interface TaskOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one task in a thread of its own, since SQLite's calls block. Settles once the thread has ended, so that nothing
 * of it is open any more. Rejects with the task's error, or `interrupted` after an abort.
 */
export async function runTask<K extends Task['kind']>(
  task: Extract<Task, { kind: K }>,
  { signal }: TaskOptions = {},
): Promise<Results[K]> {
  if (signal?.aborted) throw new HoldfastError('interrupted');
  const worker = new Worker(scriptBeside(import.meta.url, 'sqlite-worker'), {
    workerData: task,
    execArgv: [],
  });
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  let answer: Answer | null = null;
  let crash: unknown = null;
  worker.on('message', (message: Answer) => {
    answer = message;
  });
  worker.once('error', (error) => {
    crash = error;
  });
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  signal?.removeEventListener('abort', onAbort);
  return resultOf(answer, crash, signal?.aborted === true) as Results[K];
}

function resultOf(answer: Answer | null, crash: unknown, isAborted: boolean): Results[keyof Results] {
  if (answer?.kind === 'done') return answer.value;
  if (isAborted) throw new HoldfastError('interrupted');
  if (answer?.kind === 'failed') {
    const { code, message, next } = answer.failure;
    throw new HoldfastError(code, message, next === undefined ? {} : { next });
  }
  throw new HoldfastError('internal', 'the SQLite thread ended without an answer', { cause: crash });
}
