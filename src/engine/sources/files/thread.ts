/** A thread of the files source: walks trees and reads small files with synchronous calls, which are several times faster per file than Node's asynchronous ones. */
import { parentPort } from 'node:worker_threads';
import type { FolderHandle } from './handles.ts';
import { readFiles } from './read-files.ts';
import { viewBatch } from './walk-batch.ts';
import { type WalkResult, walkTree } from './walk-tree.ts';

export interface WalkTask {
  readonly task: 'walk';
  readonly root: FolderHandle;
  readonly only: string | null;
  readonly excludes: readonly string[];
  readonly oneFileSystem: boolean;
  /** One number: batches sent and not yet taken. */
  readonly waiting: SharedArrayBuffer;
}

export interface ReadTask {
  readonly task: 'read';
  readonly id: number;
  readonly root: FolderHandle;
  readonly memory: SharedArrayBuffer;
  readonly entries: number;
  readonly indices: Uint32Array;
  readonly slot: SharedArrayBuffer;
}

export type ThreadAnswer =
  | { readonly kind: 'batch'; readonly memory: SharedArrayBuffer; readonly entries: number }
  | { readonly kind: 'walked'; readonly result: WalkResult }
  | { readonly kind: 'read'; readonly id: number }
  | { readonly kind: 'broken'; readonly message: string };

/** Batches that may wait for the main thread: 8,192 entries. */
const BATCHES_AHEAD = 16;

const port = parentPort!;
const answer = (message: ThreadAnswer) => port.postMessage(message);

async function walk(task: WalkTask): Promise<void> {
  const waiting = new Int32Array(task.waiting);
  // Loaded only when needed: it would cost every start of the thread.
  const excludes =
    task.excludes.length === 0 ? null : (await import('./excludes.ts')).compileExcludes(task.excludes);
  const result = walkTree({
    ...task,
    excludes,
    emit(batch) {
      for (let many = Atomics.load(waiting, 0); many >= BATCHES_AHEAD; many = Atomics.load(waiting, 0)) {
        Atomics.wait(waiting, 0, many);
      }
      Atomics.add(waiting, 0, 1);
      answer({ kind: 'batch', ...batch });
    },
  });
  answer({ kind: 'walked', result });
}

async function run(task: WalkTask | ReadTask): Promise<void> {
  try {
    if (task.task === 'walk') return await walk(task);
    readFiles(task.root, viewBatch(task.memory, task.entries), task.indices, new Uint8Array(task.slot));
    answer({ kind: 'read', id: task.id });
  } catch (error) {
    answer({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
  }
}

port.on('message', (task: WalkTask | ReadTask) => void run(task));
