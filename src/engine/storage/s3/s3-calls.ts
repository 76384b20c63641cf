import type { S3Client } from '@aws-sdk/client-s3';
import { retrying } from '../retrying.ts';
import type { S3Target } from './s3-address.ts';
import { AttemptLost, isUnanswered, mayPass, s3Failure } from './s3-failure.ts';
import type { S3Patience } from './s3-settings.ts';

export interface CallOptions {
  /** For messages: the object, or what is done. */
  readonly what: string;
  /** The permission it takes, in the words of AWS, for whoever was refused. */
  readonly needs: string;
  /** Bytes that go or come, for the time limit. */
  readonly sizeBytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Fewer attempts than usual, for what may as well be left. */
  readonly attempts?: number;
}

/** One place where every request gets its time limit, its repetition and its error. */
export interface S3Calls {
  readonly client: S3Client;
  readonly target: S3Target;
  readonly patience: S3Patience;
  /**
   * Runs `attempt` until it succeeds, so it must be safe to repeat; it counts from 1. What the SDK throws becomes
   * `storage_unreachable`, `storage_denied`, `storage_full`, `storage_io`, `bucket_missing`, `clock_skew`, `usage`,
   * `object_missing`.
   */
  run<T>(options: CallOptions, attempt: (signal: AbortSignal, nth: number) => Promise<T>): Promise<T>;
}

export function s3Calls(client: S3Client, target: S3Target, patience: S3Patience): S3Calls {
  let wasAnswered = false;
  const limited = async <T>(
    { sizeBytes = 0, signal }: CallOptions,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const limitMs = Math.ceil(patience.callMs + (sizeBytes / patience.slowestBytesPerSecond) * 1000);
    const limit = AbortSignal.timeout(limitMs);
    try {
      const result = await work(signal ? AbortSignal.any([signal, limit]) : limit);
      wasAnswered = true;
      return result;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (limit.aborted)
        throw new AttemptLost(`no end after ${Math.round(limitMs / 1000)} s`, { cause: error });
      if (!isUnanswered(error)) wasAnswered = true;
      throw error;
    }
  };
  const attemptsAfter = (error: unknown, { attempts = patience.attempts }: CallOptions) => {
    if (!mayPass(error)) return 1;
    return isUnanswered(error) && !wasAnswered ? Math.min(attempts, patience.firstAttempts) : attempts;
  };
  return {
    client,
    target,
    patience,
    async run(options, attempt) {
      try {
        return await retrying((nth) => limited(options, (signal) => attempt(signal, nth)), {
          attemptsAfter: (error) => attemptsAfter(error, options),
          shortestWaitMs: patience.shortestWaitMs,
          longestWaitMs: patience.longestWaitMs,
          signal: options.signal,
        });
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        throw s3Failure(error, options, target);
      }
    },
  };
}
