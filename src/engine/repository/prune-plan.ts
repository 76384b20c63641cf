import { HoldfastError } from '../base/errors.ts';
import { MAX_SKEW_MS } from './leases.ts';
import { tombstoneName } from './object-names.ts';
import type { Tombstone } from './tombstones.ts';

/** How much of a pack lives. Chunks that another pack is used for count as dead. */
export interface PackUse {
  readonly pack: string;
  /** Of the stored object. */
  readonly sizeBytes: number;
  /** Plain bytes of its chunks, and of those that are reachable. */
  readonly totalBytes: number;
  readonly liveBytes: number;
}

export interface PlannedPack {
  readonly pack: string;
  readonly sizeBytes: number;
}

/** What prune would do, as a value. Nothing in it has happened yet. */
export interface PrunePlan {
  /** Dead packs that get a tombstone now. */
  readonly condemn: readonly PlannedPack[];
  /** Dead packs whose tombstone has stood for the grace period: deleted now. */
  readonly remove: readonly PlannedPack[];
  /** Dead packs whose tombstone is younger, with the time from which they may go. */
  readonly waiting: readonly (PlannedPack & { readonly removableAtMs: number })[];
  /** Packs with a tombstone that live: the tombstone goes. */
  readonly revive: readonly PlannedPack[];
  /** Packs of which less than half lives: the rest moves to new packs, then they get a tombstone. */
  readonly rewrite: readonly (PlannedPack & { readonly liveBytes: number })[];
  /** Tombstones that are damaged or have no pack any more. */
  readonly strayTombstones: readonly string[];
  /** What has to be resolved before anything may be deleted: it may be a backup that needs its chunks. */
  readonly blockedBy: readonly { readonly name: string; readonly why: string }[];
  readonly packs: { readonly count: number; readonly sizeBytes: number; readonly liveBytes: number };
  /** Reachable chunks that no pack holds; see verify. */
  readonly missingChunks: number;
}

export interface PruneClock {
  readonly nowMs: number;
  /** The storage's own clock; null when it was not asked, as in a dry run. */
  readonly storageNowMs: number | null;
  readonly graceMs: number;
}

/** Rewriting pays when less than this share of a pack lives. */
const REWRITE_BELOW = 0.5;

/** Throws `clock_skew` for a tombstone from the future. */
export function refuseFutureTombstones(tombstones: Iterable<Tombstone>, clock: PruneClock): void {
  for (const { pack, writtenAtMs, modifiedAtMs } of tombstones) {
    const aheadMs = Math.max(
      (writtenAtMs ?? 0) - clock.nowMs,
      modifiedAtMs - (clock.storageNowMs ?? clock.nowMs),
    );
    if (aheadMs <= MAX_SKEW_MS) continue;
    throw new HoldfastError('clock_skew', `${tombstoneName(pack)} was written in the future`);
  }
}

/**
 * Decides the fate of every pack. A tombstone counts as old when both the clock of whoever wrote it and the
 * storage's say so.
 */
export function decidePacks(
  packs: Iterable<PackUse>,
  tombstones: ReadonlyMap<string, Tombstone>,
  clock: PruneClock,
): Omit<PrunePlan, 'blockedBy' | 'missingChunks'> {
  const plan = {
    condemn: [] as PlannedPack[],
    remove: [] as PlannedPack[],
    waiting: [] as (PlannedPack & { removableAtMs: number })[],
    revive: [] as PlannedPack[],
    rewrite: [] as (PlannedPack & { liveBytes: number })[],
    strayTombstones: [] as string[],
  };
  const total = { count: 0, sizeBytes: 0, liveBytes: 0 };
  const stray = new Set(tombstones.keys());
  for (const use of packs) {
    const planned = { pack: use.pack, sizeBytes: use.sizeBytes };
    const tombstone = tombstones.get(use.pack);
    stray.delete(use.pack);
    total.count += 1;
    total.sizeBytes += use.sizeBytes;
    total.liveBytes += use.liveBytes;
    if (use.liveBytes > 0) {
      if (tombstone) plan.revive.push(planned);
      else if (use.liveBytes < use.totalBytes * REWRITE_BELOW) {
        plan.rewrite.push({ ...planned, liveBytes: use.liveBytes });
      }
    } else if (!tombstone || tombstone.writtenAtMs === null) {
      if (tombstone) plan.strayTombstones.push(use.pack);
      plan.condemn.push(planned);
    } else {
      const removableAtMs = removableAt(tombstone, clock);
      if (removableAtMs <= clock.nowMs) plan.remove.push(planned);
      else plan.waiting.push({ ...planned, removableAtMs });
    }
  }
  plan.strayTombstones.push(...stray);
  return { ...plan, packs: total };
}

/** On the local clock. */
function removableAt(tombstone: Tombstone, clock: PruneClock): number {
  const aheadMs = (clock.storageNowMs ?? clock.nowMs) - clock.nowMs;
  return Math.max(tombstone.writtenAtMs ?? Infinity, tombstone.modifiedAtMs - aheadMs) + clock.graceMs;
}
