import { Worker } from 'node:worker_threads';

/** A thread that does one task after the other, and answers in the order it was asked. */
export interface TaskThread<Task, Answer> {
  /** `handedOver` is the thread's memory from now on. Null when the thread ended before it answered. Never rejects. */
  run(task: Task, handedOver: readonly ArrayBuffer[]): Promise<Answer | null>;
  /** What is under way comes to nothing. */
  stop(): void;
}

/** Small heaps, as those of chunk workers. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** It lives until `stop`. */
export function startTaskThread<Task, Answer>(
  script: URL,
  setup: { readonly name: string; readonly workerData: object },
): TaskThread<Task, Answer> {
  const waiting: ((answer: Answer | null) => void)[] = [];
  let isAlive = true;
  const worker = new Worker(script, { ...setup, execArgv: [], resourceLimits: LIMITS });
  const end = () => {
    isAlive = false;
    for (const answer of waiting.splice(0)) answer(null);
  };
  worker.on('message', (answer: Answer) => waiting.shift()?.(answer));
  worker.on('error', end);
  worker.on('exit', end);
  return {
    run(task, handedOver) {
      if (!isAlive) return Promise.resolve(null);
      return new Promise((resolve) => {
        waiting.push(resolve);
        worker.postMessage(task, [...handedOver]);
      });
    },
    stop() {
      end();
      void worker.terminate();
    },
  };
}
