import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import type { FolderHandle } from './handles.ts';
import type { CountTask, ReadTask, ThreadAnswer, WalkTask } from './thread.ts';
import { viewBatch, type WalkBatch } from './walk-batch.ts';
import type { WalkResult } from './walk-tree.ts';

/** The largest file a thread reads; larger ones are streamed by the main thread. */
export const SLOT_BYTES = 1 << 20;
/** Read ahead at most: 12 MiB. */
const SLOTS = 12;
/** Jobs a thread has at hand, so that it never waits for the main thread to answer. */
const JOBS_PER_THREAD = 2;

/** Files being read by a thread into one slot. */
export interface ReadJob {
  readonly batch: WalkBatch;
  readonly indices: readonly number[];
  /** Resolves when every file of the job has been tried; never rejects for a file's sake. */
  readonly done: Promise<void>;
  /** The slot's bytes, valid from `done` until `release`. */
  bytes(): Buffer;
  release(): void;
}

/** Batches of entries in tree order, then what the walk has to say; null at the end. */
export interface Walk {
  next(): Promise<WalkBatch | null>;
  /** Valid once `next` gave null. */
  result(): WalkResult;
}

export interface FilesThreads {
  walk(task: Omit<WalkTask, 'task' | 'waiting'>): Walk;
  /** Before a walk: counts in the time that walking leaves, and tells about how many bytes there are, unless closed before. */
  count(task: Omit<CountTask, 'task'>, tell: (bytes: number) => void): void;
  /** Queues a job. Slots are given out in this order, so whoever takes the results in order never waits in vain. */
  read(root: FolderHandle, batch: WalkBatch, indices: readonly number[]): ReadJob;
  close(): Promise<void>;
}

interface QueuedJob {
  readonly id: number;
  readonly task: Omit<ReadTask, 'slot'>;
  slot: SharedArrayBuffer | null;
  readonly settle: (error: Error | null) => void;
}

interface Reader {
  readonly worker: Worker;
  readonly jobs: Map<number, QueuedJob>;
}

const THREAD = scriptBeside(import.meta.url, 'thread');

function startThread(onAnswer: (answer: ThreadAnswer) => void, onFailure: (error: Error) => void): Worker {
  const worker = new Worker(THREAD, {
    name: 'holdfast-files',
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  worker.on('message', onAnswer);
  worker.on('error', onFailure);
  worker.on('exit', () => onFailure(new HoldfastError('internal', 'a reading thread ended')));
  return worker;
}

function takeOver<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  // Whoever needs the result awaits it later or, after a failure elsewhere, never.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function startWalk(
  worker: Worker,
  task: Omit<WalkTask, 'task' | 'waiting'>,
  failure: { error: Error | null },
): Walk & { answer(a: ThreadAnswer): void; wake(): void } {
  const waiting = new Int32Array(new SharedArrayBuffer(4));
  const batches: WalkBatch[] = [];
  let result: WalkResult | null = null;
  let wake = () => {};
  worker.postMessage({ task: 'walk', ...task, waiting: waiting.buffer } satisfies WalkTask);
  return {
    answer(message) {
      if (message.kind === 'batch') batches.push(viewBatch(message.memory, message.entries));
      if (message.kind === 'walked') result = message.result;
      wake();
    },
    wake: () => wake(),
    async next() {
      while (batches.length === 0 && result === null) {
        if (failure.error) throw failure.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const batch = batches.shift() ?? null;
      if (batch !== null) {
        Atomics.sub(waiting, 0, 1);
        Atomics.notify(waiting, 0);
      }
      return batch;
    },
    result() {
      if (result === null) throw new HoldfastError('internal', 'the walk has not ended');
      return result;
    },
  };
}

/** Starts threads as they are first needed: one that walks, `readers` that read. The caller closes. */
export function filesThreads(readers: number): FilesThreads {
  const failure: { error: Error | null } = { error: null };
  const freeSlots: SharedArrayBuffer[] = [];
  const queue: QueuedJob[] = [];
  const readerThreads: Reader[] = [];
  let slotsMade = 0;
  let walker: Worker | null = null;
  let current: ReturnType<typeof startWalk> | null = null;
  let tellCounted: (bytes: number) => void = () => {};
  let nextId = 0;

  const fail = (error: Error) => {
    failure.error ??= error;
    current?.wake();
    for (const job of queue.splice(0)) job.settle(failure.error);
    for (const { jobs } of readerThreads) {
      for (const job of jobs.values()) job.settle(failure.error);
      jobs.clear();
    }
  };

  const startReader = (): Reader => {
    const jobs = new Map<number, QueuedJob>();
    const worker = startThread((answer) => {
      if (answer.kind === 'broken') return fail(new HoldfastError('internal', answer.message));
      if (answer.kind !== 'read') return;
      jobs.get(answer.id)?.settle(null);
      jobs.delete(answer.id);
      pump();
    }, fail);
    const reader = { worker, jobs };
    readerThreads.push(reader);
    return reader;
  };

  const idlestReader = (): Reader | null => {
    const idlest = readerThreads.reduce<Reader | null>(
      (best, reader) => (best === null || reader.jobs.size < best.jobs.size ? reader : best),
      null,
    );
    if ((idlest === null || idlest.jobs.size > 0) && readerThreads.length < readers) return startReader();
    return idlest !== null && idlest.jobs.size < JOBS_PER_THREAD ? idlest : null;
  };

  const takeSlot = (): SharedArrayBuffer | null => {
    const free = freeSlots.pop();
    if (free || slotsMade === SLOTS) return free ?? null;
    slotsMade += 1;
    return new SharedArrayBuffer(SLOT_BYTES);
  };

  const pump = () => {
    while (queue.length > 0 && failure.error === null) {
      const slot = takeSlot();
      if (slot === null) return;
      const reader = idlestReader();
      if (reader === null) {
        freeSlots.push(slot);
        return;
      }
      const job = queue.shift()!;
      job.slot = slot;
      reader.jobs.set(job.id, job);
      reader.worker.postMessage({ ...job.task, slot } satisfies ReadTask);
    }
  };

  const walkerThread = (): Worker => {
    walker ??= startThread((answer) => {
      if (answer.kind === 'broken') fail(new HoldfastError('internal', answer.message));
      else if (answer.kind !== 'counted') current?.answer(answer);
      else if (failure.error === null) tellCounted(answer.bytes);
    }, fail);
    return walker;
  };

  return {
    walk(task) {
      current = startWalk(walkerThread(), task, failure);
      return current;
    },
    count(task, tell) {
      tellCounted = tell;
      walkerThread().postMessage({ task: 'count', ...task } satisfies CountTask);
    },
    read(root, batch, indices) {
      const { promise, resolve, reject } = takeOver<void>();
      const settle = (error: Error | null) => (error ? reject(error) : resolve());
      nextId += 1;
      const { memory, entries } = batch;
      const task = {
        task: 'read',
        id: nextId,
        root,
        memory,
        entries,
        indices: Uint32Array.from(indices),
      } as const;
      const job: QueuedJob = { id: nextId, task, slot: null, settle };
      if (failure.error) settle(failure.error);
      else queue.push(job);
      pump();
      return {
        batch,
        indices,
        done: promise,
        bytes: () => Buffer.from(job.slot!),
        release() {
          if (job.slot) freeSlots.push(job.slot);
          job.slot = null;
          pump();
        },
      };
    },
    async close() {
      fail(new HoldfastError('interrupted', 'the source was closed'));
      const workers = [...readerThreads.map((reader) => reader.worker), ...(walker ? [walker] : [])];
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
