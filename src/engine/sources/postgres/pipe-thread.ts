/** A thread that fills slots of memory from a pipe, whole ones as long as there is enough. */
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

export interface PipeTask {
  readonly readEnd: number;
  readonly memory: SharedArrayBuffer;
  readonly slotBytes: number;
}

/** Zero bytes: the end. A message is the system's error. */
export type PipeAnswer = { readonly slot: number; readonly bytes: number; readonly failure: string | null };

const { readEnd, memory, slotBytes } = workerData as PipeTask;

function fill(slot: number): PipeAnswer {
  const target = new Uint8Array(memory, slot * slotBytes, slotBytes);
  let bytes = 0;
  try {
    while (bytes < slotBytes) {
      const got = readSync(readEnd, target, bytes, slotBytes - bytes, null);
      if (got === 0) break;
      bytes += got;
    }
    return { slot, bytes, failure: null };
  } catch (error) {
    return { slot, bytes, failure: (error as Error).message };
  }
}

parentPort!.on('message', (slot: number) => parentPort!.postMessage(fill(slot)));
