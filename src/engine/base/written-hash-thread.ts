/** A thread that hashes a file while another writes it: it follows the number of bytes that are there. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

export interface HashTask {
  readonly path: string;
  /** How many bytes are written, and below zero, how many less one it became in the end. */
  readonly written: BigInt64Array;
}

export type HashAnswer = { readonly sha256: string } | { readonly failure: string };

const PIECE_BYTES = 1 << 20;
const { path, written } = workerData as HashTask;

function hashFollowing(): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; ; ) {
      const state = Atomics.load(written, 0);
      const isEnded = state < 0n;
      const end = Number(isEnded ? -state - 1n : state);
      if (at === end) {
        if (isEnded) return hash.digest('hex');
        Atomics.wait(written, 0, state);
        continue;
      }
      const bytes = readSync(file, piece, 0, Math.min(PIECE_BYTES, end - at), at);
      if (bytes === 0) throw new Error(`${path} is shorter than what was written`);
      hash.update(piece.subarray(0, bytes));
      at += bytes;
    }
  } finally {
    closeSync(file);
  }
}

function answer(): HashAnswer {
  try {
    return { sha256: hashFollowing() };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

parentPort!.postMessage(answer());
