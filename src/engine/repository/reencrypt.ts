import { HoldfastError } from '../base/errors.ts';
import { type Progress, silentProgress } from '../base/progress.ts';
import { HEADER_BYTES, readHeader } from '../crypto/object-header.ts';
import { newChunkIndex } from './chunk-index.ts';
import { openChunkReader } from './chunk-reader.ts';
import { copyChunks } from './copy-chunks.ts';
import { type Lease, takeLease } from './leases.ts';
import { addDoubtfulPacks, addSoundPacks } from './load-index.ts';
import { packName } from './object-names.ts';
import { markReachable } from './reachable.ts';
import { replaceIndex } from './replace-index.ts';
import type { Repository } from './repository.ts';
import { resealManifests } from './reseal-manifests.ts';
import { scanPacks, storedPacks } from './scan-packs.ts';
import { isDamage } from './sealed-json.ts';
import { putTombstone, tombstonedPacks } from './tombstones.ts';
import { tickingSource } from './walk-content.ts';

export interface ReencryptOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface ReencryptReport {
  /** Packs copied from, index objects, manifests and holds that are now under the current epoch. */
  readonly rewrittenObjects: number;
  /** Bytes of new packs. */
  readonly rewrittenBytes: number;
  /** Old packs that carry a tombstone now; prune deletes them once the grace period is over. */
  readonly condemnedPacks: number;
}

/**
 * Brings everything that backups need under the current epoch: chunks to new packs, the index, manifests with their
 * first signature, holds. Old packs get a tombstone and go by the rules of prune, so that no run at work loses
 * anything. What was interrupted goes on when it is run again. It does not take back what somebody with the old key
 * copied before. Throws `lease_held`, `lease_lost`, `key_wrong`, and `verify_failed` when a backup cannot be read.
 */
export async function reencrypt(
  repository: Repository,
  options: ReencryptOptions = {},
): Promise<ReencryptReport> {
  const lease = await takeLease(repository, 'reencrypt');
  try {
    const packs = await reencryptPacks(repository, lease, options);
    const indexes = await reencryptIndex(repository, lease);
    const manifests = await resealManifests(repository, lease, options);
    const holds = await repository.holds.reseal();
    for (const pack of packs.old) {
      options.signal?.throwIfAborted();
      await lease.check();
      await putTombstone(repository, pack, 'reencrypt');
    }
    return {
      rewrittenObjects: packs.old.length + indexes + manifests + holds,
      rewrittenBytes: packs.storedBytes,
      condemnedPacks: packs.old.length,
    };
  } finally {
    await lease.release();
  }
}

async function reencryptPacks(
  repository: Repository,
  lease: Lease,
  { progress = silentProgress, signal }: ReencryptOptions,
): Promise<{ old: string[]; storedBytes: number }> {
  const tick = async () => {
    signal?.throwIfAborted();
    await lease.keepAlive();
  };
  progress.phase('packs', {});
  const old = await packsOfOldEpochs(repository, tick);
  if (old.size === 0) return { old: [], storedBytes: 0 };
  const condemned = await tombstonedPacks(repository);
  const index = newChunkIndex();
  await addSoundPacks(repository, index, (pack) => condemned.has(pack));
  await addDoubtfulPacks(repository, index, (pack) => condemned.has(pack));
  const reader = openChunkReader({ storage: repository.storage, keys: repository.keys, index });
  const source = tickingSource(reader, tick);
  const { chunks, unclear } = await markReachable(repository, index, source).finally(() => reader.close());
  if (unclear.length > 0) {
    const { name, why } = unclear[0]!;
    throw new HoldfastError(
      'verify_failed',
      `nothing was rewritten, since this cannot be read: ${name}: ${why}`,
    );
  }
  const { storedBytes } = await copyChunks({
    context: repository,
    index,
    wanted: chunks,
    from: (pack) => old.has(pack),
    keep: (pack) => !condemned.has(pack),
    beforeChunk: tick,
  });
  progress.advance({ storedBytes, entries: old.size });
  return { old: [...old].filter((pack) => !condemned.has(pack)), storedBytes };
}

async function packsOfOldEpochs(repository: Repository, tick: () => Promise<void>): Promise<Set<string>> {
  const old = new Set<string>();
  for (const pack of (await storedPacks(repository)).keys()) {
    await tick();
    const header = await repository.storage.get(packName(pack), { offset: 0, length: HEADER_BYTES });
    if (epochOf(header) < repository.keys.epoch) old.add(pack);
  }
  return old;
}

/** A header that does not decode is left for verify: it is not copied. */
function epochOf(header: Buffer): number {
  try {
    return readHeader(header).epoch;
  } catch (error) {
    if (isDamage(error)) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** Resolves with how many index objects were replaced: all, or none when all are under the current epoch. */
async function reencryptIndex(repository: Repository, lease: Lease): Promise<number> {
  let isOld = false;
  const onIndex = (_name: string, epoch: number) => {
    isOld ||= epoch < repository.keys.epoch;
  };
  for await (const _ of scanPacks(repository, { onIndex }));
  return isOld ? (await replaceIndex(repository, lease)).removed.length : 0;
}
