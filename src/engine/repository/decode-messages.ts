/** What a reader and the threads that decode for it tell each other. A thread answers in the order it was asked. */

export interface DecodeSetup {
  readonly chunkIdKey: Uint8Array;
}

/** Blocks of one pack as they lie there, and what opens them. */
export interface DecodeRun {
  readonly packNumber: number;
  readonly bytes: Uint8Array;
  readonly key: Uint8Array;
  readonly header: Uint8Array;
}

/** A row of `blocks`: number in the index, run, where in the run it begins and how long it is there, plain length, number in its pack. */
export const BLOCK_FIELDS = 6;
/** A row of `chunks`: block, where in there it begins, length, number of bases; then for each base the first three of these again. */
export const PLACE_FIELDS = 3;

/** Chunks that are to stand one after the other in `target`. */
export interface DecodeTask {
  /** Goes with the task, and comes back with the answer. */
  readonly target: ArrayBuffer;
  readonly runs: readonly DecodeRun[];
  /** Those that the thread does not hold. */
  readonly blocks: Uint32Array;
  readonly chunks: Uint32Array;
  /** Of the chunks, joined. */
  readonly ids: Uint8Array;
  /** Blocks that need not be held any longer once this is done. */
  readonly drop: readonly number[];
}

export interface DecodeAnswer {
  readonly target: ArrayBuffer;
  /** False when anything was not as it should be: then nothing in the target means anything. */
  readonly isProven: boolean;
}
