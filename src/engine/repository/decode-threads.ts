import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { scriptBeside } from '../base/script-beside.ts';
import type { DecodeAnswer, DecodeSetup, DecodeTask } from './decode-messages.ts';

/** Each costs some 20 MB, and more outrun what takes their bytes. */
const MAX_THREADS = 3;
/** Small heaps, as those of chunk workers. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

const SCRIPT = scriptBeside(import.meta.url, 'decode-thread');

/** How many threads a long read is worth; none on one core. */
export function defaultDecoders(): number {
  const cores = availableParallelism();
  return cores > 1 ? Math.min(MAX_THREADS, cores) : 0;
}

export interface DecodeThread {
  /**
   * Has the thread do a task: the memory of its target and of its runs is the thread's from now on. Gives the target back; null when
   * anything is wrong with what it was given, or with the thread: the caller finds out what by reading the same itself. Never rejects.
   */
  run(task: Omit<DecodeTask, 'number'>): Promise<ArrayBuffer | null>;
  stop(): void;
}

/** It lives until `stop`. */
export function startDecodeThread(setup: DecodeSetup): DecodeThread {
  let tasks = 0;
  const waiting = new Map<number, (target: ArrayBuffer | null) => void>();
  let isAlive = true;
  const worker = new Worker(SCRIPT, {
    name: 'holdfast-decode',
    workerData: setup,
    execArgv: [],
    resourceLimits: LIMITS,
  });
  const end = () => {
    isAlive = false;
    for (const answer of waiting.values()) answer(null);
    waiting.clear();
  };
  worker.on('message', ({ number, target, isProven }: DecodeAnswer) => {
    waiting.get(number)?.(isProven ? target : null);
    waiting.delete(number);
  });
  worker.on('error', end);
  worker.on('exit', end);
  return {
    run(task) {
      if (!isAlive) return Promise.resolve(null);
      tasks += 1;
      const number = tasks;
      return new Promise((resolve) => {
        waiting.set(number, resolve);
        const handedOver = [task.target, ...task.runs.map(({ bytes }) => bytes.buffer as ArrayBuffer)];
        worker.postMessage({ ...task, number } satisfies DecodeTask, handedOver);
      });
    },
    stop() {
      end();
      void worker.terminate();
    },
  };
}
