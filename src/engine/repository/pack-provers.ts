import { availableParallelism } from 'node:os';
import { asBuffer, isOwnMemory } from '../base/bytes.ts';
import { scriptBeside } from '../base/script-beside.ts';
import { startTaskThread } from '../base/task-thread.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { PackBytes } from './pack-proof.ts';
import { type PackKey, packKey } from './pack-reader.ts';

export interface ProveSetup {
  readonly chunkIdKey: Uint8Array;
}

export interface ProveTask extends PackKey {
  readonly pack: string;
  /** They go with the task, and come back with the answer. */
  readonly bytes: Uint8Array;
  readonly table: Uint8Array;
}

export interface ProveAnswer {
  readonly bytes: Uint8Array;
  /** True when all is as it should be, but for differences, which were not looked at. */
  readonly isProven: boolean;
}

const SCRIPT = scriptBeside(import.meta.url, 'prove-thread');

/** Below it in all, threads take longer to start than they save. */
const FROM_BYTES = 64 * 2 ** 20;

/** Threads that look at packs, each at one after the other. */
export interface PackProvers {
  /** How many packs are looked at side by side; 0 without threads, which prove nothing. */
  readonly count: number;
  /** Takes the memory of the bytes; they come back, or are null when they were lost with a thread. Never rejects. */
  prove(pack: PackBytes): Promise<{ readonly bytes: Buffer | null; readonly isProven: boolean }>;
  close(): void;
}

/** The main thread looks at differences meanwhile, and each thread costs some 20 MB: one less than cores, and never many. */
const MAX_THREADS = 2;
const defaultProvers = () => Math.min(MAX_THREADS, availableParallelism() - 1);

interface ProversOptions {
  /** Threads at most. */
  readonly count?: number;
  /** Packs up to so many bytes in all come back as they are. */
  readonly fromBytes?: number | undefined;
}

export function packProvers(
  keys: RepositoryKeys,
  { count = defaultProvers(), fromBytes = FROM_BYTES }: ProversOptions = {},
): PackProvers {
  const workerData: ProveSetup = { chunkIdKey: keys.chunkIdKey };
  const start = () => ({
    thread: startTaskThread<ProveTask, ProveAnswer>(SCRIPT, { name: 'holdfast-prove', workerData }),
    underWay: 0,
  });
  const threads: ReturnType<typeof start>[] = [];
  let seenBytes = 0;
  return {
    count,
    async prove({ pack, bytes, table }) {
      seenBytes += bytes.length;
      const key = keyOf(keys, bytes);
      if (seenBytes < fromBytes || key === null || !isOwnMemory(bytes.buffer))
        return { bytes, isProven: false };
      while (threads.length < count) threads.push(start());
      const [least] = threads.toSorted((a, b) => a.underWay - b.underWay);
      if (!least) return { bytes, isProven: false };
      least.underWay += 1;
      // A copy: with a part of an index object the whole of it would be sent.
      const task = { pack, bytes, table: new Uint8Array(table), ...key };
      const answer = await least.thread.run(task, [bytes.buffer]);
      least.underWay -= 1;
      return { bytes: answer && asBuffer(answer.bytes), isProven: answer?.isProven ?? false };
    },
    close() {
      for (const { thread } of threads) thread.stop();
    },
  };
}

/** Null when there is none to be had, for whatever reason. */
function keyOf(keys: RepositoryKeys, bytes: Buffer): PackKey | null {
  try {
    return packKey(keys, bytes);
  } catch {
    return null;
  }
}
