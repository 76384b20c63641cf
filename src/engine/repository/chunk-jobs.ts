/** What happens to batches of chunks between a stream and the workers. */
import type { StageClock } from '../base/stage-times.ts';
import type { BaseBlocks } from './base-blocks.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { type Bases, STORE_FIELDS } from './chunk-messages.ts';
import type { ChunkWorkers, Hashed } from './chunk-workers.ts';
import type { Batch, ContentStream } from './content-stream.ts';
import type { Follower } from './follower.ts';
import type { Delta } from './pack-builder.ts';
import type { PackStore } from './pack-store.ts';
import { ID_BYTES } from './pack-toc.ts';
import type { RunFailure } from './run-failure.ts';
import { newSegment, type Segment } from './segment.ts';
import type { SlotPool } from './slot-pool.ts';
import type { UsedChunks } from './used-chunks.ts';

/** A batch of a stream between being given to a worker and being applied in its turn. */
export interface Job {
  readonly stream: StreamState;
  readonly batch: Batch;
  hashed: Hashed | null;
  readonly worker: number;
  /** What waits for this batch and belongs behind it. */
  readonly marks: (() => void)[];
}

export interface StreamState {
  readonly number: number;
  readonly digests: boolean;
  /** In order of the stream; workers may finish them in another. */
  readonly queue: Job[];
  segment: Segment | null;
  readonly follower: Follower;
}

/** What the parts of one run share. */
export interface Run {
  readonly index: ChunkIndex;
  readonly pool: SlotPool;
  readonly packs: PackStore;
  readonly used: UsedChunks;
  readonly failure: RunFailure;
  readonly clock: StageClock;
  readonly jobs: Map<number, Job>;
  /** How often a slot is still needed. */
  readonly uses: Map<number, number>;
  readonly digests: Map<number, (sha256: Buffer) => void>;
  readonly followers: Map<number, Follower>;
  readonly bases: BaseBlocks;
  /** Bases on their way. */
  readonly fetches: Set<Promise<void>>;
  /** Chunks each worker has before it. */
  readonly load: number[];
  workers: ChunkWorkers;
  nextJob: number;
  nextStream: number;
  newChunks: number;
  reusedChunks: number;
  readonly openList: () => ContentStream;
}

/** Gives a batch to the worker with the least before it. */
export function dispatch(run: Run, stream: StreamState, batch: Batch): void {
  run.failure.check();
  const { load, workers } = run;
  const { slot, ends } = batch;
  const worker = load.indexOf(Math.min(...load));
  const job: Job = { stream, batch, hashed: null, worker, marks: [] };
  const number = run.nextJob;
  run.nextJob += 1;
  run.jobs.set(number, job);
  stream.queue.push(job);
  load[worker]! += ends.length;
  run.uses.set(slot, stream.digests ? 2 : 1);
  workers.post(worker, { kind: 'hash', job: number, slot, ends: Uint32Array.from(ends) });
  if (!stream.digests) return;
  const bytes = ends.at(-1)!;
  workers.post(stream.number % workers.count, { kind: 'digest', slot, stream: stream.number, bytes });
}

export function onHashed(run: Run, number: number, hashed: Hashed): void {
  const job = run.jobs.get(number)!;
  const { queue } = job.stream;
  run.jobs.delete(number);
  run.load[job.worker]! -= job.batch.ends.length;
  job.hashed = hashed;
  while (queue[0]?.hashed && !run.failure.hasFailed()) applyJob(run, queue.shift()!);
}

/** Looks the chunks of a batch up, adds them to the content, and has the new ones stored. */
function applyJob(run: Run, job: Job): void {
  const { index, used } = run;
  const { stream, batch } = job;
  const { ids, marks } = job.hashed!;
  const { follower } = stream;
  const toStore: number[] = [];
  const bases: number[] = [];
  const lengths = batch.ends.map((end, i) => end - (batch.ends[i - 1] ?? 0));
  let start = 0;
  let mark = 0;
  batch.ends.forEach((end, i) => {
    const at = i * ID_BYTES;
    let number = index.find(ids, at);
    if (number < 0) {
      number = index.claim(ids, at);
      run.newChunks += 1;
      const own = follower.basesOf({ lengths, marks }, i);
      toStore.push(start, end, at, bases.length, own.length);
      bases.push(...own);
    } else {
      run.reusedChunks += 1;
      follower.known(number, end - start);
    }
    used.add(number);
    stream.segment ??= newSegment(run.openList);
    stream.segment.add(ids, at, end - start, marks[i]!);
    start = end;
    for (; batch.marks[mark]?.afterChunks === i + 1; mark += 1) batch.marks[mark]!.apply();
  });
  if (toStore.length === 0) releaseUse(run, batch.slot);
  else store(run, job, Uint32Array.from(toStore), bases);
  for (const apply of job.marks) apply();
}

/** Has chunks stored, once the chunks they may be differences against are at hand. */
function store(
  run: Run,
  { stream, batch, worker, hashed }: Job,
  chunks: Uint32Array,
  numbers: number[],
): void {
  const post = (bases: Bases | null) => {
    const job = { slot: batch.slot, stream: stream.number, chunks, ids: hashed!.ids, bases };
    run.workers.post(worker, { kind: 'store', ...job }, bases?.memory);
  };
  if (numbers.length === 0) {
    post(null);
    return;
  }
  const fetched = run.bases.fetch(numbers).then((bases) => {
    run.fetches.delete(fetched);
    if (!bases) for (let at = 4; at < chunks.length; at += STORE_FIELDS) chunks[at] = 0;
    post(bases);
  });
  run.fetches.add(fetched);
}

export async function copyDelta(run: Run, { frame, ...delta }: Delta): Promise<void> {
  run.failure.check();
  if (run.index.find(delta.id) >= 0) return;
  run.used.add(run.index.claim(delta.id));
  run.newChunks += 1;
  const slot = await run.pool.acquire();
  run.pool.view(slot).set(frame);
  run.uses.set(slot, 1);
  const worker = slot % run.workers.count;
  run.workers.post(worker, { kind: 'copy', slot, frameBytes: frame.length, ...delta });
}

export function releaseUse({ uses, pool }: Run, slot: number): void {
  const left = uses.get(slot)! - 1;
  uses.set(slot, left);
  if (left === 0) pool.release(slot);
}
