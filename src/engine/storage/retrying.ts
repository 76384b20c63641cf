import { setTimeout as wait } from 'node:timers/promises';

export interface RetryOptions {
  /** How many attempts there are, given the failure of one: 1 for none after it. */
  readonly attemptsAfter: (error: unknown) => number;
  readonly shortestWaitMs: number;
  readonly longestWaitMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly random?: (() => number) | undefined;
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

const sleepFor = (ms: number, signal: AbortSignal | undefined) =>
  wait(ms, undefined, signal ? { signal } : {});

/**
 * Does the work again while it fails with what may pass: waits longer each time, with jitter, so that many who
 * failed together do not return together. `attempt` counts from 1. Throws the last failure, or the abort.
 */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { attemptsAfter, shortestWaitMs, longestWaitMs, signal } = options;
  const random = options.random ?? Math.random;
  const sleep = options.sleep ?? sleepFor;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= attemptsAfter(error)) throw error;
      const longest = Math.min(longestWaitMs, shortestWaitMs * 2 ** (attempt - 1));
      await sleep(longest * (0.5 + random() / 2), signal).catch((interrupted: unknown) => {
        throw signal?.aborted ? signal.reason : interrupted;
      });
    }
  }
}
