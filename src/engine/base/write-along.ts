import { type FileHandle, open } from 'node:fs/promises';
import { HoldfastError } from './errors.ts';
import { hashWhileWriting } from './written-hash.ts';

const BLOCK_BYTES = 1 << 20;
/** So much is written before the disk is asked to take it: then little is left to wait for at the end. */
const SYNC_BYTES = 64 << 20;

/** Gathers small pieces, of which a write each would cost more than the bytes. What it gives is valid until the next is asked for. */
async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
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

interface SyncAlong {
  reached(written: number): void;
  /** Waits for what is under way. Throws what failed: the system tells of it once. */
  end(): Promise<void>;
}

/** Has the disk take what is written while more comes, one request at a time. */
function syncAlong(file: FileHandle): SyncAlong {
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

export interface NewContent {
  readonly content: AsyncIterable<Uint8Array>;
  /** False for content that proves itself. */
  readonly isHashed: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Called when all is written, before the disk is waited for. */
  readonly onWritten?: ((file: FileHandle) => Promise<void>) | undefined;
}

/**
 * Writes `path`, which must not exist, 0600 and synced, and gives its size and the SHA-256 in hex of what then lies in it, null where none is
 * asked for. Throws `interrupted`, and what content and file throw: what is there by then is the caller's to remove.
 */
export async function writeAlong(
  path: string,
  { content, isHashed, signal, onBytes, onWritten }: NewContent,
): Promise<{ readonly sizeBytes: number; readonly sha256: string | null }> {
  const file = await open(path, 'wx', 0o600);
  const hash = isHashed ? hashWhileWriting(path) : null;
  const syncing = syncAlong(file);
  let sizeBytes = 0;
  try {
    for await (const bytes of inBlocks(content)) {
      if (signal?.aborted) throw new HoldfastError('interrupted');
      await writeWhole(file, bytes);
      sizeBytes += bytes.length;
      hash?.reached(sizeBytes);
      syncing.reached(sizeBytes);
      onBytes?.(bytes.length);
    }
    await onWritten?.(file);
    await syncing.end();
    const [sha256 = null] = await Promise.all([hash?.end(), file.sync()]);
    return { sizeBytes, sha256 };
  } finally {
    await hash?.close();
    await syncing.end().catch(() => {});
    await file.close();
  }
}
