import { HoldfastError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Chunking } from '../sources/port.ts';
import type { Storage } from '../storage/port.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { type ChunkWorkers, defaultWorkers, startChunkWorkers } from './chunk-workers.ts';
import { type Chunker, contentChunker, fixedChunker } from './chunker.ts';
import { type Batch, type ContentStream, contentStream, type StreamPort } from './content-stream.ts';
import { packStore } from './pack-store.ts';
import { ID_BYTES } from './pack-toc.ts';
import { newSegment, type Segment } from './segment.ts';
import { type SlotPool, slotPool } from './slot-pool.ts';
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
}

/**
 * Stores contents as chunks. Memory is a constant, whatever the size: slots, and packs under way. The first failure (of storage,
 * of a worker, or the signal, as `interrupted`) rejects everything. The caller ends with `finish` or `abort`.
 */
export interface ChunkWriter {
  /** Several may be open at once. `sha256: false` spares the digest where nobody needs it. */
  openStream(chunking: Chunking, options?: { readonly sha256?: boolean }): ContentStream;
  /** Counts a chunk of an earlier backup as used. False when it is not stored, or on its way out. */
  use(id: Uint8Array): boolean;
  /** Stores what is pending and the index of it. All streams must have ended. */
  finish(): Promise<WriteResult>;
  /** Stops the threads. Packs already written stay: a later run finds them. Idempotent. */
  abort(): Promise<void>;
  /** Packs that every content given out depends on. Complete after `finish`. */
  packsUsed(): Set<string>;
}

/** A batch of a stream between being given to a worker and being applied in its turn. */
interface Job {
  readonly stream: StreamState;
  readonly batch: Batch;
  ids: Uint8Array | null;
  worker: number;
  readonly extraMarks: (() => void)[];
}

interface StreamState {
  readonly number: number;
  readonly digests: boolean;
  readonly queue: Job[];
  segment: Segment | null;
}

const SPARE_SLOTS = 6;
const SLOTS_PER_WORKER = 3;

export function openChunkWriter(options: ChunkWriterOptions): ChunkWriter {
  const { storage, keys, index, progress, signal } = options;
  const count = options.workers ?? defaultWorkers();
  const pool: SlotPool = slotPool(SPARE_SLOTS + SLOTS_PER_WORKER * count);
  const used = usedChunks(index);
  const jobs = new Map<number, Job>();
  const pendingUses = new Map<number, number>();
  const digestWaits = new Map<number, (sha256: Buffer) => void>();
  const rejections = new Set<(error: unknown) => void>();
  const load = new Array<number>(count).fill(0);
  let nextJob = 0;
  let nextStream = 0;
  let newChunks = 0;
  let reusedChunks = 0;
  let failure: { readonly error: unknown } | null = null;

  const fail = (error: unknown) => {
    if (failure) return;
    failure = { error };
    pool.fail(error);
    for (const reject of rejections) reject(error);
    rejections.clear();
  };
  const onAbort = () => fail(new HoldfastError('interrupted', undefined, { cause: signal?.reason }));
  signal?.addEventListener('abort', onAbort, { once: true });
  const packs = packStore({
    storage,
    keys,
    index,
    onStored: (storedBytes) => progress?.advance({ storedBytes }),
    onFailed: fail,
  });
  const promise: StreamPort['promise'] = (start) =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure.error);
      rejections.add(reject);
      start((value) => {
        rejections.delete(reject);
        resolve(value);
      });
    });
  const releaseUse = (slot: number) => {
    const left = pendingUses.get(slot)! - 1;
    pendingUses.set(slot, left);
    if (left === 0) pool.release(slot);
  };

  const applyJob = (job: Job) => {
    const { stream, batch, worker } = job;
    const ids = job.ids!;
    const toStore: number[] = [];
    let start = 0;
    let mark = 0;
    batch.ends.forEach((end, i) => {
      const at = i * ID_BYTES;
      let number = index.find(ids, at);
      if (number < 0) {
        number = index.claim(ids, at);
        newChunks += 1;
        toStore.push(start, end, at);
      } else reusedChunks += 1;
      used.add(number);
      stream.segment ??= newSegment(openList);
      stream.segment.add(ids, at, end - start);
      start = end;
      while (batch.marks[mark]?.afterChunks === i + 1) {
        batch.marks[mark]!.apply();
        mark += 1;
      }
    });
    if (toStore.length === 0) releaseUse(batch.slot);
    else {
      const chunks = Uint32Array.from(toStore);
      workers.post(worker, { kind: 'store', slot: batch.slot, chunks, ids });
    }
    for (const apply of job.extraMarks) apply();
  };
  const applyReady = ({ queue }: StreamState) => {
    while (queue[0]?.ids) applyJob(queue.shift()!);
  };

  const workers: ChunkWorkers = startChunkWorkers(keys, pool.memory, count, {
    hashed(number, ids, worker) {
      const job = jobs.get(number)!;
      jobs.delete(number);
      load[worker]! -= job.batch.ends.length;
      job.ids = ids;
      if (!failure) applyReady(job.stream);
    },
    done: releaseUse,
    digest(stream, sha256) {
      digestWaits.get(stream)?.(Buffer.from(sha256));
      digestWaits.delete(stream);
    },
    pack: (built) => packs.add(built),
    failed: fail,
  });

  const dispatch = (stream: StreamState, batch: Batch) => {
    if (failure) throw failure.error;
    const worker = load.indexOf(Math.min(...load));
    const job: Job = { stream, batch, ids: null, worker, extraMarks: [] };
    const number = nextJob;
    nextJob += 1;
    jobs.set(number, job);
    stream.queue.push(job);
    load[worker]! += batch.ends.length;
    pendingUses.set(batch.slot, stream.digests ? 2 : 1);
    workers.post(worker, { kind: 'hash', job: number, slot: batch.slot, ends: Uint32Array.from(batch.ends) });
    if (!stream.digests) return;
    const bytes = batch.ends.at(-1)!;
    workers.post(stream.number % count, { kind: 'digest', slot: batch.slot, stream: stream.number, bytes });
  };

  const chunkerOf = (chunking: Chunking): Chunker =>
    chunking.method === 'fixed'
      ? fixedChunker(chunking.sizeBytes)
      : contentChunker(keys.chunking[chunking.profile], keys.gearTable);

  const portOf = (stream: StreamState): StreamPort => ({
    view: pool.view,
    acquire: pool.acquire,
    release: pool.release,
    dispatch: (batch) => dispatch(stream, batch),
    markLast(apply) {
      const last = stream.queue.at(-1);
      if (last) last.extraMarks.push(apply);
      else apply();
    },
    ready() {
      if (failure) throw failure.error;
      return packs.room();
    },
    promise,
    closeSegment() {
      const segment = stream.segment ?? newSegment(openList);
      stream.segment = null;
      return segment.close();
    },
    dropSegment() {
      stream.segment = null;
    },
    digest: () =>
      stream.digests
        ? promise((resolve) => {
            digestWaits.set(stream.number, resolve);
            workers.post(stream.number % count, { kind: 'endDigest', stream: stream.number });
          })
        : Promise.resolve(Buffer.alloc(0)),
  });

  function openStream(chunking: Chunking, given: { readonly sha256?: boolean } = {}): ContentStream {
    const stream: StreamState = {
      number: nextStream,
      digests: given.sha256 !== false,
      queue: [],
      segment: null,
    };
    nextStream += 1;
    return contentStream(portOf(stream), chunkerOf(chunking));
  }
  const openList = () => openStream({ method: 'content', profile: 'dump' }, { sha256: false });

  const stop = async () => {
    signal?.removeEventListener('abort', onAbort);
    await workers.stop();
  };
  return {
    openStream,
    use(id) {
      const number = index.find(id);
      if (number >= 0) used.add(number);
      return number >= 0;
    },
    async finish() {
      try {
        await promise<void>((resolve) => void workers.finish().then(resolve));
        await packs.finish();
        if (failure) throw (failure as { error: unknown }).error;
        return { storedBytes: packs.storedBytes, newChunks, reusedChunks, packs: packs.packs };
      } finally {
        await stop();
      }
    },
    async abort() {
      fail(new HoldfastError('interrupted'));
      await stop();
    },
    packsUsed: used.packs,
  };
}
