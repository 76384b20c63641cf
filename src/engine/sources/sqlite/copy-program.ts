/** The process that copies a database. It answers once, and ends; also when its parent lets go of it. */

import { type CopyTask, copyDatabase } from './copy-database.ts';
import type { CopyAnswer } from './copy-process.ts';
import { describeFailure } from './failures.ts';

const say = (answer: CopyAnswer) => void (process.connected && process.send!(answer));

async function run(task: CopyTask): Promise<void> {
  const stopping = new AbortController();
  process.once('disconnect', () => stopping.abort());
  const answer = await copyDatabase(task, (bytes) => say({ kind: 'bytes', bytes }), stopping.signal).then(
    (value): CopyAnswer => ({ kind: 'done', value }),
    (error: unknown): CopyAnswer => ({
      kind: 'failed',
      failure: describeFailure(error, task.path, task.busyTimeoutMs),
    }),
  );
  if (!process.connected) process.exit();
  process.send!(answer, () => process.exit());
}

process.once('message', (task: CopyTask) => void run(task));
