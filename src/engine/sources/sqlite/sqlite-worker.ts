/** The thread in which SQLite works. It answers once, and ends. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { type CheckResult, checkDatabase } from './check-database.ts';
import { describeFailure, type TaskFailure } from './failures.ts';
import { replaceDatabase } from './replace-database.ts';
import type { Answer, CheckTask, Results, Task } from './sqlite-task.ts';

const PIECE_BYTES = 1 << 20;

const task = workerData as Task;
const say = (answer: Answer) => parentPort!.postMessage(answer);

async function run(): Promise<Results[keyof Results]> {
  return task.kind === 'check' ? check(task) : replaceDatabase(task);
}

function check({ path, passed, bySqlite }: CheckTask): CheckResult | null {
  return passed !== null && sha256Of(path) === passed ? null : checkDatabase(path, bySqlite);
}

function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const bytes = readSync(file, piece);
      if (bytes === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytes));
    }
  } finally {
    closeSync(file);
  }
}

function failureOf(error: unknown): TaskFailure {
  if (error instanceof HoldfastError) return { code: error.code, message: error.message, next: error.next };
  if (task.kind === 'replace') {
    return { code: 'target_failed', message: `${task.target}: ${(error as Error).message}` };
  }
  return describeFailure(error, task.path, 0);
}

say(
  await run().then(
    (value): Answer => ({ kind: 'done', value }),
    (error: unknown): Answer => ({ kind: 'failed', failure: failureOf(error) }),
  ),
);
