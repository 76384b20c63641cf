import { HoldfastError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { type StageTimes, stageClock } from '../base/stage-times.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Chunking } from '../sources/port.ts';
import type { Storage } from '../storage/port.ts';
import { baseBlocks } from './base-blocks.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { copyDelta, dispatch, onHashed, type Run, releaseUse, type StreamState } from './chunk-jobs.ts';
import { defaultWorkers, startChunkWorkers } from './chunk-workers.ts';
import { type Chunker, contentChunker, fixedChunker } from './chunker.ts';
import { type ContentStream, contentStream } from './content-stream.ts';
import { follower } from './follower.ts';
import { type Delta, PACK_CAPACITY } from './pack-builder.ts';
import { packStore } from './pack-store.ts';
import { runFailure } from './run-failure.ts';
import { newSegment } from './segment.ts';
import { SLOT_BYTES, slotPool } from './slot-pool.ts';
import { usedChunks } from './used-chunks.ts';

export type { ContentStream } from './content-stream.ts';

export interface ChunkWriterOptions {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  /** What is stored already; new chunks are entered into it. */
  readonly index: ChunkIndex;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Worker threads; by default one per core, at most 4. */
  readonly workers?: number;
}

export interface WriteResult {
  readonly storedBytes: number;
  readonly newChunks: number;
  readonly reusedChunks: number;
  /** Packs written, SHA-256 in hex. */
  readonly packs: readonly string[];
  readonly times: StageTimes;
}

/**
 * Stores contents as chunks. Memory is a constant, whatever the size: slots, and packs under way. The first failure (of storage,
 * of a worker, or the signal, as `interrupted`) rejects everything. The caller ends with `finish` or `abort`.
 */
export interface ChunkWriter {
  /** Several may be open at once. `sha256: false` spares the digest where nobody needs it. */
  openStream(chunking: Chunking, options?: { readonly sha256?: boolean }): ContentStream;
  /** Counts a chunk of an earlier backup as used. False when it is not stored, or on its way out. Reads 32 bytes at `at`. */
  use(id: Uint8Array, at?: number): boolean;
  /**
   * Stores a difference as another pack holds it, without making it anew. Its bases have to be stored as well, here or by then.
   * Does nothing for a chunk that is stored already.
   */
  copyDelta(delta: Delta): Promise<void>;
  /** Stores what is pending and the index of it. All streams must have ended. */
  finish(): Promise<WriteResult>;
  /** Stops the threads. Packs already written stay: a later run finds them. Idempotent. */
  abort(): Promise<void>;
  /** Packs that every content given out depends on. Complete after `finish`. */
  packsUsed(): Set<string>;
}

const SPARE_SLOTS = 6;
const SLOTS_PER_WORKER = 1;
/** While one pack is on its way to storage, every worker builds the next; more would only cost memory. */
const SPARE_PACKS = 1;

export function openChunkWriter(options: ChunkWriterOptions): ChunkWriter {
  const { keys, signal } = options;
  const run = startRun(options);
  const { failure, packs, used } = run;
  const onAbort = () => failure.fail(new HoldfastError('interrupted', undefined, { cause: signal?.reason }));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const stop = async () => {
    signal?.removeEventListener('abort', onAbort);
    await run.workers.stop();
  };
  return {
    openStream(chunking, given = {}) {
      return openStream(run, chunkerOf(keys, chunking), given.sha256 !== false);
    },
    use(id, at = 0) {
      const number = run.index.find(id, at);
      if (number >= 0) used.add(number);
      return number >= 0;
    },
    copyDelta: (delta) => copyDelta(run, delta),
    async finish() {
      try {
        await failure.promise((resolve) => resolve(Promise.all(run.fetches)));
        await failure.promise<void>((resolve) => void run.workers.finish().then(resolve));
        await packs.finish();
        failure.check();
        const { newChunks, reusedChunks } = run;
        const { storedBytes } = packs;
        return { storedBytes, newChunks, reusedChunks, packs: packs.packs, times: run.clock.times() };
      } finally {
        await stop();
      }
    },
    async abort() {
      failure.fail(new HoldfastError('interrupted'));
      await stop();
    },
    packsUsed: used.packs,
  };
}

function startRun({ storage, keys, index, progress, workers: given }: ChunkWriterOptions): Run {
  const count = given ?? defaultWorkers();
  const pool = slotPool(SPARE_SLOTS + SLOTS_PER_WORKER * count, SLOT_BYTES);
  const packPool = slotPool(SPARE_PACKS + count, PACK_CAPACITY);
  const failure = runFailure((error) => {
    pool.fail(error);
    packPool.fail(error);
  });
  const clock = stageClock();
  const packs = packStore({
    ...{ storage, keys, index, pool: packPool, clock },
    onStored: (storedBytes) => progress?.advance({ storedBytes }),
    onFailed: failure.fail,
  });
  const lend = (worker: number) => {
    const slot = packPool.acquire();
    const post = (given: number) => run.workers.post(worker, { kind: 'lend', slot: given });
    if (typeof slot === 'number') post(slot);
    else slot.then(post, () => {});
  };
  const run: Run = {
    ...{ index, pool, packs, failure, clock },
    used: usedChunks(index),
    jobs: new Map(),
    uses: new Map(),
    digests: new Map(),
    followers: new Map(),
    bases: baseBlocks({ storage, keys, index }),
    fetches: new Set(),
    load: new Array<number>(count).fill(0),
    workers: startChunkWorkers(keys, { memory: pool.memory, packMemory: packPool.memory }, count, {
      hashed: (job, hashed) => clock.measure('find', () => onHashed(run, job, hashed)),
      done: (slot) => releaseUse(run, slot),
      tried: (stream, chunks, deltas) => run.followers.get(stream)?.tried(chunks, deltas),
      digest(stream, sha256) {
        run.digests.get(stream)?.(Buffer.from(sha256));
        run.digests.delete(stream);
      },
      pack(built, worker) {
        packs.add(built);
        lend(worker);
      },
      spent: clock.addAll,
      failed: failure.fail,
    }),
    nextJob: 0,
    nextStream: 0,
    newChunks: 0,
    reusedChunks: 0,
    openList: () => openStream(run, chunkerOf(keys, { method: 'content', profile: 'dump' }), false),
  };
  for (let worker = 0; worker < count; worker += 1) lend(worker);
  return run;
}

function chunkerOf(keys: RepositoryKeys, chunking: Chunking): Chunker {
  return chunking.method === 'fixed'
    ? fixedChunker(chunking.sizeBytes)
    : contentChunker(keys.chunking[chunking.profile], keys.gearTable);
}

function openStream(run: Run, chunker: Chunker, digests: boolean): ContentStream {
  const following = follower(run.index);
  const stream: StreamState = {
    ...{ number: run.nextStream, digests, queue: [] },
    ...{ segment: null, follower: following },
  };
  run.nextStream += 1;
  const { pool, failure } = run;
  const digestWorker = stream.number % run.workers.count;
  return contentStream(
    {
      view: pool.view,
      clock: run.clock,
      acquire: pool.acquire,
      release: pool.release,
      dispatch: (batch) => dispatch(run, stream, batch),
      markLast(apply) {
        const last = stream.queue.at(-1);
        if (last) last.marks.push(apply);
        else apply();
      },
      check: failure.check,
      promise: failure.promise,
      closeSegment() {
        const segment = stream.segment ?? newSegment(run.openList);
        stream.segment = null;
        return segment.close();
      },
      dropSegment() {
        stream.segment = null;
      },
      follow(previous) {
        run.followers.set(stream.number, following);
        following.follow(previous);
      },
      async digest() {
        if (!digests) return Buffer.alloc(0);
        return failure.promise((resolve) => {
          run.digests.set(stream.number, resolve);
          run.workers.post(digestWorker, { kind: 'endDigest', stream: stream.number });
        });
      },
    },
    chunker,
  );
}
