import { type Clock, elapsedTimer, HOUR_MS } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { eachLimited } from './each-limited.ts';
import { FOLDERS, packName, packOfName } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { readTombstone, tombstonedPacks } from './tombstones.ts';

/** How long a tombstone must stand before its pack may go. Longer than twice any run. */
export const GRACE_MS = 24 * HOUR_MS;

/** Above this many packs one listing is cheaper than asking for each. */
const STAT_LIMIT = 50;
const STATS_AT_ONCE = 8;

/** Measures a run by both clocks from its start. Make it before the first look at the repository. */
export interface RunTimer {
  readonly startedAtMs: number;
  elapsedMs(): number;
}

export function startRunTimer(clock: Clock): RunTimer {
  return { startedAtMs: clock.nowMs(), elapsedMs: elapsedTimer(clock) };
}

/** Throws `run_too_long` when the run has taken more than half the grace period. */
export function checkRunTime(timer: RunTimer, graceMs: number): void {
  const elapsedMs = timer.elapsedMs();
  if (elapsedMs <= graceMs / 2) return;
  const hours = (ms: number) => (ms / HOUR_MS).toFixed(1);
  throw new HoldfastError(
    'run_too_long',
    `the run took ${hours(elapsedMs)} hours, more than the ${hours(graceMs / 2)} that prune waits for`,
  );
}

/**
 * Checks that a manifest may refer to these packs: each still exists and carries no tombstone older than the
 * run. Throws `object_missing` naming a pack that is gone, `run_too_long` for one that is about to go.
 */
export async function checkUsedPacks(
  context: RepositoryContext,
  usedPacks: Iterable<string>,
  timer: RunTimer,
): Promise<void> {
  const used = new Set(usedPacks);
  for (const pack of await tombstonedPacks(context)) {
    if (!used.has(pack)) continue;
    const tombstone = await readTombstone(context, pack, 0);
    if (tombstone === null) continue;
    if (tombstone.writtenAtMs !== null && tombstone.writtenAtMs >= timer.startedAtMs) continue;
    throw new HoldfastError('run_too_long', `${packName(pack)} is about to be pruned`);
  }
  const missing = await missingPacks(context, used);
  for (const pack of missing) {
    throw new HoldfastError(
      'object_missing',
      `${packName(pack)} is gone, so the backup cannot be committed`,
      {
        next: 'run again: what is stored is kept',
      },
    );
  }
}

async function missingPacks(context: RepositoryContext, used: ReadonlySet<string>): Promise<Set<string>> {
  const missing = new Set(used);
  if (used.size <= STAT_LIMIT) {
    await eachLimited(used, STATS_AT_ONCE, async (pack) => {
      if (await context.storage.stat(packName(pack))) missing.delete(pack);
    });
    return missing;
  }
  for await (const { name } of context.storage.list(FOLDERS.packs)) missing.delete(packOfName(name) ?? '');
  return missing;
}
