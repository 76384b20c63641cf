import { availableParallelism } from 'node:os';
import { scriptBeside } from '../base/script-beside.ts';
import { startTaskThread } from '../base/task-thread.ts';
import type { DecodeAnswer, DecodeSetup, DecodeTask } from './decode-messages.ts';

/** Each costs some 20 MB, and more outrun what takes their bytes. */
const MAX_THREADS = 3;

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
  run(task: DecodeTask): Promise<ArrayBuffer | null>;
  stop(): void;
}

/** It lives until `stop`. */
export function startDecodeThread(setup: DecodeSetup): DecodeThread {
  const thread = startTaskThread<DecodeTask, DecodeAnswer>(SCRIPT, {
    name: 'holdfast-decode',
    workerData: setup,
  });
  return {
    async run(task) {
      const runs = task.runs.map(({ bytes }) => bytes.buffer as ArrayBuffer);
      const answer = await thread.run(task, [task.target, ...runs]);
      return answer?.isProven ? answer.target : null;
    },
    stop: thread.stop,
  };
}
