import assert from 'node:assert/strict';
import type { Clock } from '../../src/engine/base/clock.ts';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { copyStorage } from './copy-storage.ts';
import { count } from './counts.ts';
import { killingStorage } from './killing-storage.ts';

/**
 * Runs a piece of work as often as it makes mutating calls, dying before and after each (per commit: the one or
 * the other by turns), always on a fresh copy of
 * `base`; `check` then looks at what is left. Resolves with the number of calls.
 */
export async function eachKill(
  base: Storage,
  clock: Clock,
  work: (storage: Storage) => Promise<unknown>,
  check: (storage: Storage, point: string) => Promise<void>,
): Promise<number> {
  for (let at = 0; ; at += 1) {
    for (const when of ['before', 'after'] as const) {
      if (count(at % 2, -1) === (when === 'before' ? 0 : 1)) continue;
      const storage = await copyStorage(base, clock);
      const killing = killingStorage(storage, at, when);
      const error = await work(killing).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      assert.ok(!(error instanceof HoldfastError), `${when} ${at}: ${error}`);
      if (!killing.dead) return at;
      await check(storage, `${when} call ${at}`);
    }
  }
}
