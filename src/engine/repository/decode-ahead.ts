import { isOwnMemory } from '../base/bytes.ts';
import { type BlockRun, blockRuns } from './block-runs.ts';
import type { ChunkPlace } from './chunk-index.ts';
import type { DecodeRun, DecodeTask } from './decode-messages.ts';
import { type DecodeStage, LARGE_STAGES, SMALL_STAGES, type StageSize } from './decode-stages.ts';
import { type DecodeThread, startDecodeThread } from './decode-threads.ts';
import { runReader } from './fetched-run.ts';
import type { BlockPort } from './pack-keys.ts';
import { ID_BYTES } from './pack-toc.ts';

/** Decoded blocks that each thread holds for what comes next. */
const HELD_BYTES = 8 * 2 ** 20;
/** Stages under way for each thread: one being decoded, one being fetched. */
const AHEAD_PER_THREAD = 2;

/** A stage on its way. */
export interface Decoding {
  /** Its bytes, until `release`; null when something is wrong with them. Never rejects. */
  readonly bytes: Promise<Buffer | null>;
  /** Gives the memory of the bytes back, for another stage. */
  release(): void;
}

/** Decodes stages in threads. */
export interface DecodeAhead {
  /** Of its stages. */
  readonly size: StageSize;
  /** False while as many stages are begun and not released as keep the threads at work: a reader then takes one that it began before the next. */
  readonly hasRoom: boolean;
  begin(stage: DecodeStage): Decoding;
  /** Ends the threads; what is under way comes to nothing. */
  close(): void;
}

interface Thread {
  readonly decoder: DecodeThread;
  underWay: number;
  /** Blocks it holds once all it was given is done, the latest last. */
  readonly held: Map<number, number>;
  heldBytes: number;
  /** Ends when everything so far was handed over. */
  tail: Promise<unknown>;
}

interface Fetched {
  readonly run: BlockRun;
  readonly given: DecodeRun;
}

export function decodeAhead(port: BlockPort, count: number): DecodeAhead {
  const { storage, keys } = port;
  const read = runReader(port);
  const threads: Thread[] = Array.from({ length: count }, () => ({
    decoder: startDecodeThread({ chunkIdKey: keys.chunkIdKey }),
    underWay: 0,
    held: new Map(),
    heldBytes: 0,
    tail: Promise.resolve(),
  }));
  const size = storage.readsAreCheap ? SMALL_STAGES : LARGE_STAGES;
  const free: ArrayBuffer[] = [];
  /** And not released. */
  let begun = 0;

  const fetch = async (run: BlockRun): Promise<Fetched> => {
    const { packNumber } = run;
    return { run, given: { packNumber, ...(await read(run)) } };
  };
  const least = () => threads.reduce((best, thread) => (thread.underWay < best.underWay ? thread : best));
  /** Resolves when a thread was given the stage, with what it will answer; null when its bytes could not be fetched. */
  const handOver = async (thread: Thread, stage: DecodeStage, target: ArrayBuffer) => {
    const { missing, drop } = take(thread, stage);
    const before = thread.tail;
    const fetching = Promise.all(blockRuns([...missing, ...stage.deltas.values()]).map(fetch));
    // A thread holds what the tasks before brought it: they reach it in the order in which that was counted.
    const [fetched] = await Promise.allSettled([fetching, before]);
    if (fetched.status === 'rejected') return null;
    const task = taskOf(stage, fetched.value, target, drop);
    return { answer: thread.decoder.run(task) };
  };
  const decode = async (stage: DecodeStage, target: ArrayBuffer): Promise<ArrayBuffer | null> => {
    const thread = least();
    thread.underWay += 1;
    const handed = handOver(thread, stage, target);
    thread.tail = handed;
    try {
      return (await (await handed)?.answer) ?? null;
    } catch {
      return null;
    } finally {
      thread.underWay -= 1;
    }
  };
  return {
    size,
    get hasRoom() {
      return begun <= count * AHEAD_PER_THREAD;
    },
    begin(stage) {
      begun += 1;
      const isUsual = stage.sizeBytes <= size.maxBytes;
      const target = (isUsual && free.pop()) || new ArrayBuffer(Math.max(stage.sizeBytes, size.maxBytes));
      const decoded = stage.isSound ? decode(stage, target) : Promise.resolve(null);
      return {
        bytes: decoded.then((found) => found && Buffer.from(found, 0, stage.sizeBytes)),
        release() {
          begun -= 1;
          void decoded.then((found) => {
            if (found?.byteLength === size.maxBytes) free.push(found);
          });
        },
      };
    },
    close() {
      for (const { decoder } of threads) decoder.stop();
    },
  };
}

/** Which blocks of a stage a thread lacks, and which it may forget afterwards. */
function take(thread: Thread, { full }: DecodeStage): { missing: ChunkPlace[]; drop: number[] } {
  const { held } = thread;
  const missing: ChunkPlace[] = [];
  for (const [block, place] of full) {
    if (held.delete(block)) thread.heldBytes -= place.blockPlainBytes;
    else missing.push(place);
    held.set(block, place.blockPlainBytes);
    thread.heldBytes += place.blockPlainBytes;
  }
  const drop: number[] = [];
  for (const [block, bytes] of held) {
    if (thread.heldBytes <= HELD_BYTES) break;
    held.delete(block);
    thread.heldBytes -= bytes;
    drop.push(block);
  }
  return { missing, drop };
}

function taskOf(
  { wanted, bases }: DecodeStage,
  fetched: readonly Fetched[],
  target: ArrayBuffer,
  drop: readonly number[],
): DecodeTask {
  const blocks: number[] = [];
  fetched.forEach(({ run }, number) => {
    for (const place of run.blocks) {
      const start = place.blockOffset - run.offset;
      const { blockNumber, blockStoredBytes, blockPlainBytes, blockOfPack } = place;
      blocks.push(blockNumber, number, start, blockStoredBytes, blockPlainBytes, blockOfPack);
    }
  });
  const chunks: number[] = [];
  const ids = new Uint8Array(wanted.length * ID_BYTES);
  wanted.forEach(({ id, place }, number) => {
    ids.set(id, number * ID_BYTES);
    const found = bases[number]!;
    chunks.push(place.blockNumber, place.offsetInBlock, place.lengthBytes, found.length);
    for (const base of found) chunks.push(base.blockNumber, base.offsetInBlock, base.lengthBytes);
  });
  return {
    target,
    runs: fetched.map(({ given }) => ({ ...given, bytes: own(given.bytes) })),
    blocks: Uint32Array.from(blocks),
    chunks: Uint32Array.from(chunks),
    ids,
    drop,
  };
}

/** Bytes in memory that can be handed over: what small buffers share is left behind. */
function own(bytes: Uint8Array): Uint8Array {
  return isOwnMemory(bytes.buffer) ? bytes : new Uint8Array(bytes);
}
