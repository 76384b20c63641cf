import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { DecodeAnswer, DecodeSetup, DecodeTask } from './decode-messages.ts';

/** Each costs some 20 MB, and more outrun what takes their bytes. */
const MAX_THREADS = 3;
/** Small heaps, as those of chunk workers. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './decode-thread.ts' : './decode-thread.js',
  import.meta.url,
);

/** How many threads a long read is worth; none on one core. */
export function defaultDecoders(): number {
  const cores = availableParallelism();
  return cores > 1 ? Math.min(MAX_THREADS, cores) : 0;
}

export interface DecodeThreads {
  readonly count: number;
  /**
   * Has a thread do a task; `handedOver` is memory that is the thread's from now on. False when anything is wrong with what it was
   * given, or with the thread: the caller finds out what by reading the same itself. Never rejects.
   */
  run(thread: number, task: Omit<DecodeTask, 'number'>, handedOver: readonly ArrayBuffer[]): Promise<boolean>;
  stop(): void;
}

export function startDecodeThreads(setup: DecodeSetup, count: number): DecodeThreads {
  let tasks = 0;
  const threads = Array.from({ length: count }, () => {
    const waiting = new Map<number, (isProven: boolean) => void>();
    let isAlive = true;
    const worker = new Worker(SCRIPT, {
      name: 'holdfast-decode',
      workerData: setup,
      execArgv: [],
      resourceLimits: LIMITS,
    });
    const end = () => {
      isAlive = false;
      for (const answer of waiting.values()) answer(false);
      waiting.clear();
    };
    worker.on('message', ({ number, isProven }: DecodeAnswer) => {
      waiting.get(number)?.(isProven);
      waiting.delete(number);
    });
    worker.on('error', end);
    worker.on('exit', end);
    return {
      run(task: Omit<DecodeTask, 'number'>, handedOver: readonly ArrayBuffer[]): Promise<boolean> {
        if (!isAlive) return Promise.resolve(false);
        tasks += 1;
        const number = tasks;
        return new Promise((resolve) => {
          waiting.set(number, resolve);
          worker.postMessage({ ...task, number } satisfies DecodeTask, [...handedOver]);
        });
      },
      stop() {
        end();
        void worker.terminate();
      },
    };
  });
  return {
    count,
    run: (thread, task, handedOver) => threads[thread]!.run(task, handedOver),
    stop() {
      for (const thread of threads) thread.stop();
    },
  };
}
