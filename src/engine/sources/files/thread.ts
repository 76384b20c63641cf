/** A thread of the files source: walks trees and reads small files with synchronous calls, which are several times faster per file than Node's asynchronous ones. */
import { parentPort } from 'node:worker_threads';
import { type CountOptions, countAhead } from './count-ahead.ts';
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

/** To be done before the walk begins: from then on the thread listens only between walks, and counts while it waits. */
export interface CountTask {
  readonly task: 'count';
  readonly roots: CountOptions['roots'];
  readonly excludes: readonly string[];
  readonly oneFileSystem: boolean;
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
  | { readonly kind: 'counted'; readonly bytes: number }
  | { readonly kind: 'broken'; readonly message: string };

/** Batches that may wait for the main thread: 8,192 entries. */
const BATCHES_AHEAD = 16;

const port = parentPort!;
const answer = (message: ThreadAnswer) => port.postMessage(message);

let counting: Generator<undefined, number | null> | null = null;

function countSome(): void {
  const step = counting!.next();
  if (step.done !== true) return;
  counting = null;
  if (step.value !== null) answer({ kind: 'counted', bytes: step.value });
}

function countWhenIdle(): void {
  if (counting === null) return;
  countSome();
  setImmediate(countWhenIdle);
}

const excludesOf = async (patterns: readonly string[]) =>
  // Loaded only when needed: it would cost every start of the thread.
  patterns.length === 0 ? null : (await import('./excludes.ts')).compileExcludes(patterns);

async function count(task: CountTask): Promise<void> {
  counting = countAhead({ ...task, excludes: await excludesOf(task.excludes) });
  setImmediate(countWhenIdle);
}

async function walk(task: WalkTask): Promise<void> {
  const waiting = new Int32Array(task.waiting);
  const excludes = await excludesOf(task.excludes);
  const result = walkTree({
    ...task,
    excludes,
    emit(batch) {
      for (let many = Atomics.load(waiting, 0); many >= BATCHES_AHEAD; many = Atomics.load(waiting, 0)) {
        // Nobody wants entries now: the time is good for looking further ahead.
        if (counting) countSome();
        else Atomics.wait(waiting, 0, many);
      }
      Atomics.add(waiting, 0, 1);
      answer({ kind: 'batch', ...batch });
    },
  });
  answer({ kind: 'walked', result });
}

async function run(task: WalkTask | CountTask | ReadTask): Promise<void> {
  try {
    if (task.task === 'walk') return await walk(task);
    if (task.task === 'count') return await count(task);
    readFiles(task.root, viewBatch(task.memory, task.entries), task.indices, new Uint8Array(task.slot));
    answer({ kind: 'read', id: task.id });
  } catch (error) {
    answer({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
  }
}

port.on('message', (task: WalkTask | CountTask | ReadTask) => void run(task));
