import { fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import type { CopyResult, CopyTask } from './copy-database.ts';
import type { TaskFailure } from './failures.ts';

export type CopyAnswer =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'done'; readonly value: CopyResult }
  | { readonly kind: 'failed'; readonly failure: TaskFailure };

interface CopyOptions {
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

const PROGRAM = fileURLToPath(scriptBeside(import.meta.url, 'copy-program'));
/** How long it may take to put away what lies beside the source. */
const GRACE_MS = 1000;

/**
 * Copies in a process of its own: closing a file gives up all locks of a process on it, and others of this one may have the database open.
 * Settles once it has ended. Rejects with what the copy throws, or `interrupted` after an abort.
 */
export async function runCopy(task: CopyTask, { signal, onBytes }: CopyOptions): Promise<CopyResult> {
  if (signal.aborted) throw new HoldfastError('interrupted');
  const cache = getCompileCacheDir();
  const env = cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
  const child = fork(PROGRAM, { execArgv: [], env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    if (child.connected) child.disconnect();
    timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  };
  signal.addEventListener('abort', end, { once: true });
  let answer: CopyAnswer | null = null;
  let crash: unknown = null;
  child.on('message', (message: CopyAnswer) => {
    if (message.kind === 'bytes') onBytes(message.bytes);
    else answer = message;
  });
  await new Promise<void>((resolve) => {
    // The answer may come after the end; `close` does not when this side let go first.
    const settle = () => {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (hasEnded && !child.connected) resolve();
    };
    child.once('exit', settle);
    child.once('disconnect', settle);
    child.once('error', (error) => {
      crash = error;
      if (child.pid === undefined) resolve();
    });
    child.send(task, () => {});
  });
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
  if (signal.aborted) throw new HoldfastError('interrupted');
  return resultOf(answer, crash);
}

function resultOf(answer: CopyAnswer | null, crash: unknown): CopyResult {
  if (answer?.kind === 'done') return answer.value;
  if (answer?.kind !== 'failed') {
    throw new HoldfastError('internal', 'the SQLite process ended without an answer', { cause: crash });
  }
  const { code, message, next } = answer.failure;
  throw new HoldfastError(code, message, next === undefined ? {} : { next });
}
