/** What the reading thread and a chunk worker tell each other. A worker hashes in the order it was asked. */
import type { StageTimes } from '../base/stage-times.ts';
import type { BuiltPack } from './pack-builder.ts';

export interface WorkerSetup {
  /** Slots of input. */
  readonly memory: SharedArrayBuffer;
  /** Slots to build packs in. */
  readonly packMemory: SharedArrayBuffer;
  readonly epoch: number;
  readonly masterKey: Uint8Array;
  readonly repositoryId: Uint8Array;
  readonly chunkIdKey: Uint8Array;
}

/** A block with chunks that differences are made against, and what opens it. */
export interface BaseBlock {
  readonly blockNumber: number;
  readonly blockOfPack: number;
  readonly plainBytes: number;
  /** As it lies in its pack. */
  readonly stored: Uint8Array;
  /** Of its pack. */
  readonly key: Uint8Array;
  readonly header: Uint8Array;
}

export interface BaseChunk {
  readonly blockNumber: number;
  readonly offsetInBlock: number;
  readonly lengthBytes: number;
  /** The first bytes of its id. */
  readonly idStart: Uint8Array;
}

export interface Bases {
  /** Where the blocks lie: goes with them from thread to thread. */
  readonly memory: readonly ArrayBuffer[];
  readonly blocks: readonly BaseBlock[];
  readonly chunks: readonly BaseChunk[];
}

export type ToWorker =
  /** Compute the ids of the chunks that end at `ends`, the first beginning at 0. */
  | { readonly kind: 'hash'; readonly job: number; readonly slot: number; readonly ends: Uint32Array }
  /** Store these chunks of a slot that was hashed before. */
  | StoreJob
  | CopyJob
  /** Add a slot's first bytes to the SHA-256 of a stream. */
  | { readonly kind: 'digest'; readonly slot: number; readonly stream: number; readonly bytes: number }
  /** Give the SHA-256 of a stream. */
  | { readonly kind: 'endDigest'; readonly stream: number }
  /** Memory to build the next pack in. A worker has one at a time; what is to be stored waits for it. */
  | { readonly kind: 'lend'; readonly slot: number }
  /** Close the pack begun, once everything before is stored. */
  | { readonly kind: 'finish' };

export interface StoreJob {
  readonly kind: 'store';
  readonly slot: number;
  readonly stream: number;
  /** `STORE_FIELDS` each: start, end, position of its id; where its bases begin among `bases.chunks`, how many. */
  readonly chunks: Uint32Array;
  readonly ids: Uint8Array;
  readonly bases: Bases | null;
}

/** Add a difference as it was made before: a slot begins with its frame. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly slot: number;
  readonly frameBytes: number;
  readonly id: Uint8Array;
  readonly lengthBytes: number;
  readonly bases: readonly Uint8Array[];
}

export const STORE_FIELDS = 5;

export type FromWorker =
  | { readonly kind: 'hashed'; readonly job: number; readonly ids: Uint8Array; readonly marks: Uint16Array }
  /** The worker is done with this slot, for one `store`, `copy` or `digest`. */
  | { readonly kind: 'done'; readonly slot: number }
  /** Of so many chunks with bases, so many were stored as a difference. */
  | { readonly kind: 'tried'; readonly stream: number; readonly chunks: number; readonly deltas: number }
  | { readonly kind: 'digest'; readonly stream: number; readonly sha256: Uint8Array }
  | { readonly kind: 'pack'; readonly built: BuiltPack }
  | { readonly kind: 'finished'; readonly times: StageTimes };
