import { setTimeout as wait } from 'node:timers/promises';
import type { PutContent, Storage, StorageOptions } from './port.ts';
import { partsOf } from './put-content.ts';

export interface StorageLimits {
  readonly uploadBytesPerSecond?: number | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
  /** Calls that move content at once. */
  readonly concurrency?: number | undefined;
}

/** Time as the limits see it, so that tests can set it. */
export interface Pacing {
  monotonicMs(): number;
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const REAL: Pacing = {
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
};

/** Content goes in pieces of this size, each paid for by itself: calls that run at once take turns by them. */
export const PACED_BYTES = 64 * 1024;
/** What may go at once after a pause. */
const BURST_MS = 250;

export interface RateLimiter {
  /** Waits until so many bytes may go. Whoever asks first goes first. Throws what the signal says. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** A token bucket: over any time t no more than (t + 250 ms) times the rate goes through, but for the piece that is on its way. */
export function rateLimiter(bytesPerSecond: number, pacing: Pacing = REAL): RateLimiter {
  let paidUntilMs = -Infinity;
  return {
    async take(bytes, signal) {
      const nowMs = pacing.monotonicMs();
      const waitMs = paidUntilMs - nowMs;
      paidUntilMs = Math.max(paidUntilMs, nowMs - BURST_MS) + (bytes / bytesPerSecond) * 1000;
      if (waitMs > 0) await pacing.sleep(waitMs, signal);
      signal?.throwIfAborted();
    },
  };
}

/**
 * Keeps to limits of bandwidth and of calls at once, for everything that goes through this one storage. What goes out is paid piece by piece before
 * it goes. What comes in is paid before, where its size is known, else afterwards by whoever asks next. Listings and the like are free.
 */
export function limitedStorage(storage: Storage, limits: StorageLimits, pacing: Pacing = REAL): Storage {
  const limiterOf = (rate: number | undefined) => (rate === undefined ? null : rateLimiter(rate, pacing));
  const upload = limiterOf(limits.uploadBytesPerSecond);
  const download = limiterOf(limits.downloadBytesPerSecond);
  const inTurn = turnstile(limits.concurrency ?? Infinity);
  return {
    ...storage,
    put: (name, content, options = {}) =>
      inTurn(() => {
        if (upload === null) return storage.put(name, content, options);
        const pace = (bytes: number) => upload.take(bytes, options.signal);
        if (storage.isPaced) return storage.put(name, content, { ...options, pace });
        return storage.put(name, pieces(content, pace), options);
      }),
    get: (name, range, options = {}) =>
      inTurn(async () => {
        if (download === null) return storage.get(name, range, options);
        await download.take(range?.length ?? 0, options.signal);
        const bytes = await storage.get(name, range, options);
        if (!range) void download.take(bytes.length).catch(() => {});
        return bytes;
      }),
    async *open(name, options = {}) {
      for await (const bytes of storage.open(name, options)) {
        await download?.take(bytes.length, options.signal);
        yield bytes;
      }
    },
  };
}

async function* pieces(
  content: PutContent,
  pace: NonNullable<StorageOptions['pace']>,
): AsyncGenerator<Uint8Array> {
  for await (const part of partsOf(content)) {
    for (let at = 0; at < part.length; at += PACED_BYTES) {
      const piece = part.subarray(at, at + PACED_BYTES);
      await pace(piece.length);
      yield piece;
    }
  }
}

/** Lets so many pass at once; the others wait in the order they came. */
function turnstile(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    }
  };
}
