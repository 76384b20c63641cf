import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import type { PipeAnswer, PipeTask } from './pipe-thread.ts';

/** What a tool writes, read ahead by a thread of its own into memory that is used again. */
export interface OutputPipe {
  /** For the tool's standard output. */
  readonly writeEnd: number;
  /** Once the tool has it: the end shows only when every writer is gone. */
  closeWriteEnd(): void;
  /** A piece is valid until the next is asked for. Throws `source_failed`. */
  pieces(): AsyncGenerator<Buffer>;
  /** Call it when the tool has ended. Idempotent. */
  close(): Promise<void>;
}

const SLOT_BYTES = 1 << 20;
const SLOTS = 4;
const THREAD = scriptBeside(import.meta.url, 'pipe-thread');

/**
 * A named pipe in a private folder; null where there are none. Read by events, a busy process leaves the tool waiting and gets
 * what it wrote in pieces of 15 KB, each in memory of its own; a thread keeps the tool going and gives a megabyte at a time.
 */
export async function openOutputPipe(folder: string): Promise<OutputPipe | null> {
  const path = join(folder, 'output');
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path], { env: { PATH: '/usr/bin:/bin' } });
  } catch {
    return null;
  }
  // Opening to read waits for a writer, unless told not to; what is opened anew from there does wait for bytes.
  const unblocked = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, 'w');
  const readEnd = openSync(path, 'r');
  closeSync(unblocked);
  rmSync(path);
  return outputPipe(readEnd, writeEnd);
}

function outputPipe(readEnd: number, writeEnd: number): OutputPipe {
  const memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  const task: PipeTask = { readEnd, memory, slotBytes: SLOT_BYTES };
  const limits = { maxYoungGenerationSizeMb: 2 };
  const thread = new Worker(THREAD, { workerData: task, execArgv: [], resourceLimits: limits });
  const answers: PipeAnswer[] = [];
  let wake = () => {};
  let isWriting = true;
  let isOpen = true;
  const answer = (given: PipeAnswer) => {
    answers.push(given);
    wake();
  };
  thread.on('message', answer);
  thread.on('error', (error) => answer({ slot: 0, bytes: 0, failure: error.message }));
  const next = async (): Promise<PipeAnswer> => {
    while (answers.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return answers.shift()!;
  };
  const closeWriteEnd = () => {
    if (isWriting) closeSync(writeEnd);
    isWriting = false;
  };
  return {
    writeEnd,
    closeWriteEnd,
    async *pieces() {
      for (let slot = 0; slot < SLOTS; slot += 1) thread.postMessage(slot);
      for (;;) {
        const { slot, bytes, failure } = await next();
        if (failure !== null) throw new HoldfastError('source_failed', `reading a pipe failed: ${failure}`);
        if (bytes === 0) return;
        yield Buffer.from(memory, slot * SLOT_BYTES, bytes);
        thread.postMessage(slot);
      }
    },
    async close() {
      closeWriteEnd();
      // A thread that waits for bytes sees the end now, and ends.
      await thread.terminate();
      if (isOpen) closeSync(readEnd);
      isOpen = false;
    },
  };
}
