import { type Progress, silentProgress } from '../base/progress.ts';
import { openChunkReader } from './chunk-reader.ts';
import { type Lease, takeLease } from './leases.ts';
import { FOLDERS, packName } from './object-names.ts';
import { readPackTable } from './pack-reader.ts';
import { indexWriter } from './replace-index.ts';
import type { Repository } from './repository.ts';
import { scanPacks, storedPacks } from './scan-packs.ts';
import { putTombstone } from './tombstones.ts';
import { verifyRepository } from './verify.ts';
import { damageOf } from './verify-objects.ts';
import { checkPack } from './verify-pack.ts';
import type { AffectedBackup, DamagedObject } from './verify-report.ts';

export interface RepairReport {
  /** Packs in the new index. */
  readonly packs: number;
  /** Packs whose own table cannot be read and that no index knew: their chunks are lost. */
  readonly lost: readonly DamagedObject[];
  readonly indexesWritten: number;
  readonly indexesRemoved: number;
  /** Packs found damaged that carry a tombstone now, so that the next backup stores anew what they held. */
  readonly condemned: readonly string[];
  /** Backups that need chunks that are in no pack. Their manifests stay. */
  readonly affected: readonly AffectedBackup[];
}

export interface RepairOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /**
   * Object names of packs that verify called damaged. Each is looked at again, and if it is, gets a tombstone: a writer
   * then stores anew what it needs of it, and backups that shared the lost chunks are whole again.
   */
  readonly damagedPacks?: readonly string[];
}

/**
 * Makes the index anew from the packs themselves and says what is lost. A pack whose own table is damaged keeps what
 * the old index knew of it. Removes old index objects last; never removes packs or manifests. Throws `lease_held`,
 * `lease_lost`, `clock_skew`, `key_wrong`.
 */
export async function repairIndex(
  repository: Repository,
  options: RepairOptions = {},
): Promise<RepairReport> {
  const lease = await takeLease(repository, 'repair');
  try {
    const rebuilt = await rebuild(repository, lease, options);
    const condemned = await condemnDamaged(repository, lease, new Set(options.damagedPacks));
    const { affected } = await verifyRepository(repository, { ...options, share: { percent: 0, seed: 0 } });
    return { ...rebuilt, condemned, affected };
  } finally {
    await lease.release();
  }
}

async function rebuild(
  repository: Repository,
  lease: Lease,
  { progress = silentProgress, signal }: RepairOptions,
): Promise<Omit<RepairReport, 'affected' | 'condemned'>> {
  const old: string[] = [];
  for await (const { name } of repository.storage.list(FOLDERS.index)) old.push(name);
  const stored = await storedPacks(repository);
  progress.phase('packs', { entries: stored.size });
  const writer = indexWriter(repository);
  const unreadable = new Map<string, DamagedObject>();
  let packs = 0;
  for (const [pack, sizeBytes] of stored) {
    signal?.throwIfAborted();
    await lease.keepAlive();
    try {
      await writer.add({ pack, sizeBytes, table: await readPackTable(repository, pack, sizeBytes) });
      packs += 1;
    } catch (error) {
      unreadable.set(pack, damageOf(packName(pack), error));
    }
    progress.advance({ entries: 1 });
  }
  if (unreadable.size > 0) {
    for await (const listed of scanPacks(repository, { skip: (pack) => !unreadable.has(pack) })) {
      await writer.add(listed);
      packs += 1;
      unreadable.delete(listed.pack);
    }
  }
  const written = await writer.finish();
  const removed = old.filter((name) => !written.includes(name));
  for (const name of removed) await lease.remove(name);
  return {
    packs,
    lost: [...unreadable.values()],
    indexesWritten: written.length,
    indexesRemoved: removed.length,
  };
}

async function condemnDamaged(
  repository: Repository,
  lease: Lease,
  suspects: ReadonlySet<string>,
): Promise<string[]> {
  const condemned: string[] = [];
  if (suspects.size === 0) return condemned;
  const index = await repository.loadIndex({ forReading: true });
  const reader = openChunkReader({ storage: repository.storage, keys: repository.keys, index });
  const skip = (pack: string) => !suspects.has(packName(pack));
  for await (const listed of scanPacks(repository, { skip })) {
    const name = packName(listed.pack);
    const bytes = await repository.storage.get(name);
    const { damage } = await checkPack(repository, listed, bytes, reader.dictionaryOf);
    if (!damage) continue;
    await lease.check();
    await putTombstone(repository, listed.pack, 'repair');
    condemned.push(name);
  }
  reader.close();
  return condemned;
}
