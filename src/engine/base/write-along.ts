import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 1 << 20;
/** So much is written before the disk is asked to take it: then little is left to wait for at the end. */
const SYNC_BYTES = 64 << 20;

/** Gathers small pieces, of which a write each would cost more than the bytes. What it gives is valid until the next is asked for. */
export async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let block: Buffer | null = null;
  let filled = 0;
  for await (const piece of pieces) {
    if (filled === 0 && piece.length >= BLOCK_BYTES) {
      yield piece;
      continue;
    }
    block ??= Buffer.allocUnsafe(BLOCK_BYTES);
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + BLOCK_BYTES - filled);
      block.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      filled = 0;
    }
  }
  if (block && filled > 0) yield block.subarray(0, filled);
}

/** Writes all of `bytes` where the file ends. */
export async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

export interface SyncAlong {
  reached(written: number): void;
  /** Waits for what is under way. Throws what failed: the system tells of it once. */
  end(): Promise<void>;
}

/** Has the disk take what is written while more comes, one request at a time. */
export function syncAlong(file: FileHandle): SyncAlong {
  let asked = 0;
  let running: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  return {
    reached(written) {
      if (running !== null || written - asked < SYNC_BYTES) return;
      asked = written;
      const failed = (error: unknown) => {
        failure ??= { error };
      };
      running = file.datasync().then(undefined, failed);
      void running.then(() => {
        running = null;
      });
    },
    async end() {
      await running;
      if (failure !== null) throw failure.error;
    },
  };
}
