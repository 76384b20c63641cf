import { HoldfastError } from '../base/errors.ts';
import { type Progress, silentProgress } from '../base/progress.ts';
import type { Bitset } from './bitset.ts';
import { type ChunkIndex, newChunkIndex } from './chunk-index.ts';
import { openChunkReader } from './chunk-reader.ts';
import { copyChunks } from './copy-chunks.ts';
import { type Lease, removeExpiredLeases, takeLease } from './leases.ts';
import { addDoubtfulPacks, addSoundPacks } from './load-index.ts';
import { mergeIndex } from './merge-index.ts';
import { packName, tombstoneName } from './object-names.ts';
import { decodeTable } from './pack-toc.ts';
import {
  decidePacks,
  type PackUse,
  type PruneClock,
  type PrunePlan,
  refuseFutureTombstones,
} from './prune-plan.ts';
import { markReachable, type Reachable } from './reachable.ts';
import { listPacks, replaceIndex } from './replace-index.ts';
import type { Repository } from './repository.ts';
import { requireWritable } from './repository-context.ts';
import { scanPacks } from './scan-packs.ts';
import { putTombstone, readTombstones, tombstonedPacks } from './tombstones.ts';
import { tickingSource } from './walk-content.ts';

export interface PruneOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Names the holder of the lease and of tombstones for people. */
  readonly by?: string;
}

/** What was found when everything was looked at. */
interface Look {
  readonly plan: PrunePlan;
  readonly index: ChunkIndex;
  readonly live: Bitset;
  /** Packs with live chunks that no index object lists, and their size. */
  readonly unlisted: ReadonlyMap<string, number>;
}

/**
 * What prune would do now, without doing anything: what `--dry-run` prints. Takes no lease. Throws `clock_skew` for
 * tombstones from the future, `key_wrong` when the repository is read-only, since it cannot see every backup then.
 */
export async function planPrune(repository: Repository, options: PruneOptions = {}): Promise<PrunePlan> {
  return (await look(repository, null, options)).plan;
}

/**
 * Reclaims packs in two phases, under the maintenance lease: looks anew, and does what it finds, then lists packs whose index object was
 * lost, and merges small index objects where there are many. With `plan` given it does nothing to packs that is not in it. Resolves with what was done. Throws `lease_held`, `lease_lost`, `clock_skew`,
 * `key_wrong`; and `verify_failed`, having deleted nothing, when something among the backups cannot be read: it may
 * be one that needs its chunks. Safe to interrupt and to run again at any point.
 */
export async function applyPrune(
  repository: Repository,
  plan: PrunePlan | null = null,
  options: PruneOptions = {},
): Promise<PrunePlan> {
  const lease = await takeLease(repository, options.by ?? 'prune');
  try {
    const found = await look(repository, lease, options);
    const done = { ...found, plan: plan ? intersect(found.plan, plan) : found.plan };
    refuseUnclear(done.plan);
    await execute(repository, lease, done, options);
    if (done.plan.remove.length === 0) await listPacks(repository, lease, found.unlisted);
    await mergeIndex(repository, lease);
    return done.plan;
  } finally {
    await lease.release();
  }
}

async function look(repository: Repository, lease: Lease | null, options: PruneOptions): Promise<Look> {
  requireWritable(repository);
  const { progress = silentProgress } = options;
  const tombstones = await readTombstones(repository);
  const clock: PruneClock = {
    nowMs: repository.clock.nowMs(),
    storageNowMs: lease?.storageNowMs() ?? null,
    graceMs: repository.graceMs,
  };
  refuseFutureTombstones(tombstones.values(), clock);
  progress.phase('index', {});
  const index = newChunkIndex();
  const isCondemned = (pack: string) => tombstones.has(pack);
  await addSoundPacks(repository, index, isCondemned);
  await addDoubtfulPacks(repository, index, isCondemned);
  options.signal?.throwIfAborted();
  progress.phase('mark', {});
  const reader = openChunkReader({ storage: repository.storage, keys: repository.keys, index });
  const tick = async () => {
    options.signal?.throwIfAborted();
    await lease?.keepAlive();
  };
  const source = tickingSource(reader, tick);
  const reachable = await markReachable(repository, index, source).finally(() => reader.close());
  const { uses, unlisted } = await packUses(repository, index, reachable, tick);
  return {
    unlisted,
    plan: {
      ...decidePacks(uses, tombstones, clock),
      blockedBy: [...reachable.unclear],
      missingChunks: reachable.missingChunks,
    },
    index,
    live: reachable.chunks,
  };
}

/** How much of each pack lives. A chunk in several packs counts for the one the index gives. */
async function packUses(
  repository: Repository,
  index: ChunkIndex,
  { chunks: live }: Reachable,
  tick: () => Promise<void>,
): Promise<{ readonly uses: PackUse[]; readonly unlisted: ReadonlyMap<string, number> }> {
  const uses: PackUse[] = [];
  const inNoIndex = new Set<string>();
  const unlisted = new Map<string, number>();
  const onUnlisted = (pack: string) => void inNoIndex.add(pack);
  for await (const { pack, sizeBytes, table } of scanPacks(repository, { onUnlisted })) {
    await tick();
    let totalBytes = 0;
    let liveBytes = 0;
    for (const { chunks } of decodeTable(table)) {
      for (const { id, lengthBytes } of chunks) {
        // An empty chunk must keep its pack too.
        const weight = lengthBytes + 1;
        totalBytes += weight;
        const number = index.find(id);
        if (number >= 0 && live.has(number) && index.packOf(number) === pack) liveBytes += weight;
      }
    }
    uses.push({ pack, sizeBytes, totalBytes, liveBytes });
    // Others may be those of a run that goes on, which lists them itself.
    if (liveBytes > 0 && inNoIndex.has(pack)) unlisted.set(pack, sizeBytes);
  }
  return { uses, unlisted };
}

function refuseUnclear({ blockedBy }: PrunePlan): void {
  if (blockedBy.length === 0) return;
  const names = blockedBy.slice(0, 3).map(({ name, why }) => `${name}: ${why}`);
  const more = blockedBy.length > 3 ? ` and ${blockedBy.length - 3} more` : '';
  throw new HoldfastError(
    'verify_failed',
    `nothing was pruned, since this cannot be read: ${names.join('; ')}${more}`,
    {
      next: 'run holdfast verify; restore the object from another copy, or remove it if it is no backup of yours',
    },
  );
}

/** What both name. Totals are those of the newer look. */
function intersect(found: PrunePlan, given: PrunePlan): PrunePlan {
  const keep = <T extends { readonly pack: string }>(
    now: readonly T[],
    then: readonly { pack: string }[],
  ) => {
    const packs = new Set(then.map(({ pack }) => pack));
    return now.filter(({ pack }) => packs.has(pack));
  };
  return {
    ...found,
    condemn: keep(found.condemn, given.condemn),
    remove: keep(found.remove, given.remove),
    rewrite: keep(found.rewrite, given.rewrite),
  };
}

async function execute(
  repository: Repository,
  lease: Lease,
  { plan, index, live }: Look,
  options: PruneOptions,
): Promise<void> {
  const { progress = silentProgress, signal, by = 'prune' } = options;
  const entries = plan.condemn.length + plan.remove.length + plan.rewrite.length + plan.revive.length;
  progress.phase('prune', { entries });
  for (const pack of [...plan.revive.map((revived) => revived.pack), ...plan.strayTombstones]) {
    signal?.throwIfAborted();
    await lease.remove(tombstoneName(pack));
  }
  if (plan.rewrite.length > 0) {
    const rewritten = new Set(plan.rewrite.map(({ pack }) => pack));
    const condemned = new Set(plan.condemn.map(({ pack }) => pack));
    const tombstones = await tombstonedPacks(repository);
    const copied = await copyChunks({
      context: repository,
      index,
      wanted: live,
      from: (pack) => rewritten.has(pack),
      keep: (pack) => !tombstones.has(pack) && !condemned.has(pack),
      async beforeChunk() {
        signal?.throwIfAborted();
        await lease.keepAlive();
      },
    });
    progress.advance({ storedBytes: copied.storedBytes });
  }
  for (const { pack } of [...plan.condemn, ...plan.rewrite]) {
    signal?.throwIfAborted();
    await lease.check();
    await putTombstone(repository, pack, by);
    progress.advance({ entries: 1 });
  }
  await removePacks(repository, lease, plan, options);
  await removeExpiredLeases(repository, lease);
}

/** Index first, then pack, then tombstone: whoever reads the index never finds a pack there that is gone. */
async function removePacks(
  repository: Repository,
  lease: Lease,
  plan: PrunePlan,
  { progress = silentProgress, signal }: PruneOptions,
): Promise<void> {
  if (plan.remove.length === 0) return;
  const going = new Set(plan.remove.map(({ pack }) => pack));
  await replaceIndex(repository, lease, (pack) => going.has(pack));
  for (const { pack, sizeBytes } of plan.remove) {
    signal?.throwIfAborted();
    await lease.remove(packName(pack));
    await lease.remove(tombstoneName(pack));
    progress.advance({ entries: 1, bytes: sizeBytes });
  }
}

export type { PrunePlan } from './prune-plan.ts';
