/** The thread in which SQLite works. It answers once, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { checkDatabase } from './check-database.ts';
import { copyDatabase } from './copy-database.ts';
import { describeFailure, type TaskFailure } from './failures.ts';
import { replaceDatabase } from './replace-database.ts';
import type { Answer, Results, Task } from './sqlite-task.ts';

const task = workerData as Task;
const say = (answer: Answer) => parentPort!.postMessage(answer);

async function run(): Promise<Results[keyof Results]> {
  if (task.kind === 'copy') return copyDatabase(task, (bytes) => say({ kind: 'bytes', bytes }));
  return task.kind === 'check' ? checkDatabase(task.path) : replaceDatabase(task);
}

function failureOf(error: unknown): TaskFailure {
  if (error instanceof HoldfastError) return { code: error.code, message: error.message, next: error.next };
  if (task.kind === 'replace') {
    return { code: 'target_failed', message: `${task.target}: ${(error as Error).message}` };
  }
  return describeFailure(error, task.path, task.kind === 'copy' ? task.busyTimeoutMs : 0);
}

say(
  await run().then(
    (value): Answer => ({ kind: 'done', value }),
    (error: unknown): Answer => ({ kind: 'failed', failure: failureOf(error) }),
  ),
);
