import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { scriptBeside } from './script-beside.ts';
import type { HashAnswer, HashTask } from './written-hash-thread.ts';

/** The hash of a file that is being written, taken from the file itself. */
export interface WrittenHash {
  /** So many bytes from the start are in the file by now. */
  reached(bytes: number): void;
  /** SHA-256 in hex of as many bytes as were reached last. Rejects when they cannot be read back. Ends the thread. */
  end(): Promise<string>;
  /** Ends the thread without a hash. Idempotent, also after `end`. */
  close(): Promise<void>;
}

const THREAD = scriptBeside(import.meta.url, 'written-hash-thread');

/** Below it, reading the file once at the end is cheaper than starting a thread. */
const THREAD_FROM_BYTES = 4 << 20;

/**
 * Hashes `path`, which must exist, while it is written: a large file in a thread of its own. Unlike a hash of what was handed to be
 * written, this notices what went to the wrong place; and it costs the writer nothing.
 */
export function hashWhileWriting(path: string): WrittenHash {
  let thread: HashThread | null = null;
  let written = 0;
  return {
    reached(bytes) {
      written = bytes;
      if (bytes >= THREAD_FROM_BYTES) thread ??= startThread(path);
      thread?.tell(BigInt(bytes));
    },
    async end() {
      if (thread) return thread.end(BigInt(written));
      const bytes = await readFile(path);
      if (bytes.length < written) throw new Error(`${path} is shorter than what was written`);
      return createHash('sha256').update(bytes.subarray(0, written)).digest('hex');
    },
    async close() {
      await thread?.close();
    },
  };
}

interface HashThread {
  tell(state: bigint): void;
  end(written: bigint): Promise<string>;
  close(): Promise<unknown>;
}

function startThread(path: string): HashThread {
  const written = new BigInt64Array(new SharedArrayBuffer(8));
  const task: HashTask = { path, written };
  const limits = { maxYoungGenerationSizeMb: 2 };
  const thread = new Worker(THREAD, { workerData: task, execArgv: [], resourceLimits: limits });
  const answered = new Promise<HashAnswer>((resolve) => {
    thread.once('message', resolve);
    thread.once('error', (error) => resolve({ failure: error.message }));
    thread.once('exit', () => resolve({ failure: 'the hashing thread ended' }));
  });
  const tell = (state: bigint) => {
    Atomics.store(written, 0, state);
    Atomics.notify(written, 0);
  };
  return {
    tell,
    async end(bytes) {
      tell(-bytes - 1n);
      const answer = await answered;
      await thread.terminate();
      if ('failure' in answer) throw new Error(answer.failure);
      return answer.sha256;
    },
    close: () => thread.terminate(),
  };
}
