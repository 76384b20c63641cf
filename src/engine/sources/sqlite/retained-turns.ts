import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { RetentionPace } from '../retained-table.ts';
import { describeFailure, SQLITE, sqliteCode } from './failures.ts';

/** Work on a database that others use: one short piece at a time. */
export interface Turns {
  readonly pace: RetentionPace;
  /** Does one piece; tried again while the database is locked. */
  run<T>(piece: () => T): Promise<T>;
  /** Gives others their turn between two reads. */
  between(): Promise<void>;
  /** Lets others go first for as long as the last piece took, and at least the pace's pause. */
  pause(tookMs: number): Promise<void>;
}

const RETRY_MS = 10;
const BETWEEN_MS = 5;

/** Pieces throw `source_busy` when the database stayed locked too long, `interrupted`, and what a failure of SQLite means. */
export function takeTurns(given: {
  readonly path: string;
  readonly pace: RetentionPace;
  readonly signal: AbortSignal;
}): Turns {
  const { path, pace, signal } = given;
  return {
    pace,
    async run(piece) {
      const untilMs = performance.now() + pace.busyTimeoutMs;
      for (;;) {
        if (signal.aborted) throw new HoldfastError('interrupted');
        try {
          return piece();
        } catch (error) {
          if (error instanceof HoldfastError) throw error;
          const code = sqliteCode(error);
          const isBusy = code === SQLITE.busy || code === SQLITE.locked;
          if (!isBusy || performance.now() >= untilMs) {
            const failure = describeFailure(error, path, pace.busyTimeoutMs);
            throw new HoldfastError(failure.code, failure.message, {
              cause: error,
              ...(failure.next === undefined ? {} : { next: failure.next }),
            });
          }
        }
        // Waiting inside SQLite would hold up everything else in this process.
        await wait(RETRY_MS);
      }
    },
    async between() {
      // A writer of a database without WAL that found it locked looks again only after a while.
      await wait(existsSync(`${path}-wal`) ? 0 : BETWEEN_MS);
    },
    async pause(tookMs) {
      await wait(Math.max(pace.pauseMs, tookMs), undefined, { signal }).catch(() => {});
    },
  };
}
