import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../base/errors.ts';
import { scriptBeside } from '../base/script-beside.ts';
import type { StageTimes } from '../base/stage-times.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './chunk-messages.ts';
import type { BuiltPack } from './pack-builder.ts';

/** More than this gains nothing: one thread reads and cuts for all. */
const MAX_WORKERS = 4;

/** Small heaps: what a worker allocates is short-lived, and would otherwise wait long for collection. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

export function defaultWorkers(): number {
  return Math.min(MAX_WORKERS, availableParallelism());
}

/** Of the chunks of a batch, in order. */
export interface Hashed {
  readonly ids: Uint8Array;
  readonly marks: Uint16Array;
}

export interface WorkerEvents {
  hashed(job: number, hashed: Hashed): void;
  done(slot: number): void;
  tried(stream: number, chunks: number, deltas: number): void;
  digest(stream: number, sha256: Uint8Array): void;
  pack(built: BuiltPack, worker: number): void;
  /** What a worker spent in all, once it has closed its last pack. */
  spent(times: StageTimes): void;
  failed(error: unknown): void;
}

export interface ChunkWorkers {
  readonly count: number;
  /** `handedOver` is memory that is the worker's from now on. */
  post(worker: number, message: ToWorker, handedOver?: readonly ArrayBuffer[]): void;
  /** Resolves once every worker closed the pack it began. */
  finish(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the threads. A thread that dies is reported once through `failed`. */
export function startChunkWorkers(
  keys: RepositoryKeys,
  shared: Pick<WorkerSetup, 'memory' | 'packMemory'>,
  count: number,
  events: WorkerEvents,
): ChunkWorkers {
  const setup: WorkerSetup = {
    ...shared,
    epoch: keys.epoch,
    masterKey: keys.masterKey(keys.epoch),
    repositoryId: keys.repositoryId,
    chunkIdKey: keys.chunkIdKey,
  };
  const script = scriptBeside(import.meta.url, 'chunk-worker');
  let stopped = false;
  let unfinished = 0;
  let onFinished: () => void = () => {};
  const fail = (error: unknown) => {
    if (stopped) return;
    events.failed(
      error instanceof HoldfastError ? error : new HoldfastError('internal', String(error), { cause: error }),
    );
  };
  const threads = Array.from({ length: count }, (_, number) => {
    const thread = new Worker(script, { workerData: setup, execArgv: [], resourceLimits: LIMITS });
    thread.on('message', (message: FromWorker) => {
      if (message.kind === 'hashed') events.hashed(message.job, message);
      else if (message.kind === 'done') events.done(message.slot);
      else if (message.kind === 'tried') events.tried(message.stream, message.chunks, message.deltas);
      else if (message.kind === 'digest') events.digest(message.stream, message.sha256);
      else if (message.kind === 'pack') events.pack(message.built, number);
      else {
        events.spent(message.times);
        unfinished -= 1;
        if (unfinished === 0) onFinished();
      }
    });
    thread.on('error', fail);
    thread.on('exit', (code) => fail(`a worker thread ended with code ${code}`));
    return thread;
  });
  return {
    count,
    post: (worker, message, handedOver = []) => threads[worker]!.postMessage(message, [...handedOver]),
    finish: () =>
      new Promise((resolve) => {
        unfinished = threads.length;
        onFinished = resolve;
        for (const thread of threads) thread.postMessage({ kind: 'finish' } satisfies ToWorker);
      }),
    async stop() {
      stopped = true;
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
