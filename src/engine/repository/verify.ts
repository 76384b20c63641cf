import { createHash } from 'node:crypto';
import { freeNow } from '../base/bytes.ts';
import { codeOf } from '../base/errors.ts';
import { type Progress, silentProgress } from '../base/progress.ts';
import { type Bitset, newBitset } from './bitset.ts';
import { type ChunkIndex, newChunkIndex } from './chunk-index.ts';
import { type ChunkReader, openChunkReader } from './chunk-reader.ts';
import { eachLimited } from './each-limited.ts';
import type { ListedPack } from './index-object.ts';
import { addDoubtfulPacks, addSoundPacks } from './load-index.ts';
import type { Manifest } from './manifest.ts';
import { listStrangers } from './manifest-list.ts';
import type { ManifestRef } from './manifest-path.ts';
import type { RejectedManifest } from './manifest-store.ts';
import { packName, packOfName } from './object-names.ts';
import { packProvers } from './pack-provers.ts';
import { everyBackup, unreadable, walkArtifact } from './reachable.ts';
import type { Repository } from './repository.ts';
import { scanPacks } from './scan-packs.ts';
import { tombstonedPacks } from './tombstones.ts';
import { artifactChecker } from './verify-backups.ts';
import { damageOf, verifySmallObjects } from './verify-objects.ts';
import { checkPack } from './verify-pack.ts';
import type { AffectedBackup, DamagedObject, VerifyReport } from './verify-report.ts';

/** Packs in memory at a time, at least: with threads, one in each and one whose differences are looked at. Each is at most 64 MiB, 16 MiB as a rule. */
const PACKS_AT_ONCE = 2;

export interface VerifyOptions {
  /** Looks at this share of the packs, chosen by `seed`, instead of all. Backups are checked for missing chunks all the same. */
  readonly share?: { readonly percent: number; readonly seed: number };
  /** Looks at one backup, listed or archived, and the packs it needs. */
  readonly backupId?: string;
  /**
   * Reads artifacts and compares their SHA-256, of every backup or of none. By default of the newest backup of each plan, of one backup
   * asked for, of none with a share: a chunk is what its id says, so this only finds mistakes that were made when the backup was.
   */
  readonly hashArtifacts?: boolean;
  /** From so many bytes of packs on, threads look at them. Default: where that pays. */
  readonly threadsFromBytes?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

interface Run {
  readonly repository: Repository;
  readonly options: VerifyOptions;
  readonly progress: Progress;
  readonly damaged: Map<string, DamagedObject>;
  readonly rejected: RejectedManifest[];
  readonly index: ChunkIndex;
  readonly reader: ChunkReader;
  /** Chunks that are in the index and cannot be read, by its numbers. */
  readonly bad: Bitset;
  readonly counts: { -readonly [K in keyof VerifyReport['checked']]: number };
}

/**
 * Checks stored bytes, and says which objects are damaged and exactly which backups that hits. Changes nothing.
 * Throws only when it cannot look: `storage_unreachable` and the like, `id_unknown` for a backup that is not there.
 */
export async function verifyRepository(
  repository: Repository,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const damaged = new Map<string, DamagedObject>();
  const onDamage = (found: DamagedObject) => {
    if (!damaged.has(found.name)) damaged.set(found.name, found);
  };
  const { progress = silentProgress } = options;
  const counts = { objects: 0, packs: 0, packBytes: 0, chunks: 0, backups: 0, artifacts: 0, hashedBytes: 0 };
  counts.objects += await verifySmallObjects(repository, onDamage);
  const { index, condemned, unlistedPacks } = await readIndex(repository, onDamage, counts);
  const reader = openChunkReader({ storage: repository.storage, keys: repository.keys, index });
  const rejected: RejectedManifest[] = [];
  const bad = newBitset(index.count);
  const run: Run = { repository, options, progress, damaged, rejected, index, reader, bad, counts };
  try {
    const wanted = await wantedPacks(run);
    await checkPacks(run, wanted, onDamage);
    const affected = await checkBackups(run);
    for await (const name of listStrangers(repository)) {
      rejected.push({ name, code: 'manifest_forged', why: `${name} cannot be the name of a manifest` });
    }
    const replaced = affected.length === 0 ? takeReplaced(damaged, condemned) : [];
    const ok = damaged.size + affected.length + rejected.length === 0;
    return {
      ok,
      scope: options.backupId ? 'backup' : options.share ? 'share' : 'all',
      seed: options.backupId ? null : (options.share?.seed ?? null),
      checked: counts,
      damaged: [...damaged.values()].sort(byName),
      replaced,
      affected,
      rejected: rejected.sort(byName),
      unlistedPacks,
    };
  } finally {
    await reader.close();
  }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);

/** Takes damaged packs out that carry a tombstone. Only for when nothing is hit: then all they held lies elsewhere. */
function takeReplaced(damaged: Map<string, DamagedObject>, condemned: ReadonlySet<string>): DamagedObject[] {
  const replaced = [...damaged.values()].filter(({ name }) => condemned.has(packOfName(name) ?? ''));
  for (const { name } of replaced) damaged.delete(name);
  return replaced.sort(byName);
}

async function readIndex(
  repository: Repository,
  onDamage: (damaged: DamagedObject) => void,
  counts: { objects: number },
): Promise<{ index: ChunkIndex; condemned: ReadonlySet<string>; unlistedPacks: number }> {
  const condemned = await tombstonedPacks(repository);
  const index = newChunkIndex();
  let unlistedPacks = 0;
  const options = {
    onDamage: (name: string, error: unknown) => onDamage(damageOf(name, error)),
    onIndex: () => {
      counts.objects += 1;
    },
    onMissing: (pack: string) => {
      // What prune deletes goes from the index first, so a pack that an index lists and storage lacks was lost.
      const name = packName(pack);
      onDamage({ name, code: 'object_missing', why: `${name} is missing` });
    },
    onUnlisted: () => {
      unlistedPacks += 1;
    },
  };
  await addSoundPacks(repository, index, (pack) => condemned.has(pack), options);
  await addDoubtfulPacks(repository, index, (pack) => condemned.has(pack));
  return { index, condemned, unlistedPacks };
}

/** Which packs to read in full; null for all of them. */
async function wantedPacks(run: Run): Promise<((pack: string) => boolean) | null> {
  const { options, index, repository } = run;
  if (options.backupId !== undefined) {
    const { manifest } = await repository.manifests.resolve(options.backupId, ['backups', 'archived']);
    const packs = new Set<string>();
    for (const artifact of manifest.artifacts) {
      await walkArtifact(run.reader, artifact, (id) => {
        for (const number of index.needed(id)) packs.add(index.packOf(number)!);
      }).catch(unreadable);
    }
    return (pack) => packs.has(pack);
  }
  if (options.share === undefined) return null;
  const { percent, seed } = options.share;
  return (pack) => {
    const digest = createHash('sha256').update(`${seed}:${pack}`).digest();
    return (digest.readUInt32LE(0) / 2 ** 32) * 100 < percent;
  };
}

async function checkPacks(
  run: Run,
  wanted: ((pack: string) => boolean) | null,
  onDamage: (damaged: DamagedObject) => void,
): Promise<void> {
  const { repository, index, bad, counts, progress, options } = run;
  const onStored = (sizes: ReadonlyMap<string, number>) => {
    const looked = [...sizes].filter(([pack]) => wanted?.(pack) ?? true);
    progress.phase('packs', { bytes: looked.reduce((sum, [, sizeBytes]) => sum + sizeBytes, 0) });
  };
  const packs = scanPacks(repository, { onStored, ...(wanted ? { skip: (pack) => !wanted(pack) } : {}) });
  const provers = packProvers(repository.keys, { fromBytes: options.threadsFromBytes });
  const check = async (listed: ListedPack) => {
    options.signal?.throwIfAborted();
    const fetched = await fetchPack(run, listed);
    const proof = fetched && (await provers.prove({ ...listed, bytes: fetched }));
    const bytes = proof && (proof.bytes ?? (await fetchPack(run, listed)));
    if (!bytes) return;
    const checked = await checkPack(repository, listed, bytes, run.reader.dictionaryOf, proof.isProven);
    if (checked.damage) onDamage(checked.damage);
    for (const id of checked.badChunks) {
      const number = index.find(id);
      if (number >= 0 && index.packOf(number) === listed.pack) bad.add(number);
    }
    counts.objects += 1;
    counts.packs += 1;
    counts.packBytes += bytes.length;
    counts.chunks += checked.chunks;
    progress.advance({ bytes: bytes.length, entries: 1 });
    freeNow(bytes);
  };
  try {
    await eachLimited(packs, Math.max(PACKS_AT_ONCE, provers.count + 1), check);
  } finally {
    provers.close();
  }
}

/** Null for one that prune may have deleted since the index was read. */
async function fetchPack({ repository }: Run, { pack }: ListedPack): Promise<Buffer | null> {
  return repository.storage.get(packName(pack)).catch((error: unknown) => {
    if (codeOf(error) === 'object_missing') return null;
    throw error;
  });
}

async function checkBackups(run: Run): Promise<AffectedBackup[]> {
  const { options, counts, progress } = run;
  progress.phase('backups', {});
  const checker = artifactChecker(run.index, run.bad, run.reader);
  const hashAll = options.hashArtifacts ?? options.backupId !== undefined;
  const newest = new Map<string, FoundBackup>();
  const affected = new Map<string, AffectedBackup>();
  const check = async ({ ref, manifest }: FoundBackup, hash: boolean) => {
    options.signal?.throwIfAborted();
    const artifacts = [];
    for (const artifact of manifest.artifacts) {
      const found = await checker.check(artifact, hash);
      if (found) artifacts.push(found);
    }
    if (artifacts.length > 0) affected.set(ref.name, affectedBackup(ref, manifest.plan, artifacts));
  };
  for await (const found of backupsOf(run, ({ ref }) =>
    affected.set(ref.name, affectedBackup(ref, null, [])),
  )) {
    await check(found, hashAll);
    keepNewest(newest, found);
    counts.artifacts += found.manifest.artifacts.length;
    counts.backups += 1;
    counts.objects += 1;
    progress.advance({ entries: 1 });
  }
  if (options.hashArtifacts === undefined && options.share === undefined && !hashAll) {
    for (const found of newest.values()) await check(found, true);
  }
  counts.hashedBytes = checker.hashedBytes;
  return [...affected.values()].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}

interface FoundBackup {
  readonly ref: ManifestRef;
  readonly manifest: Manifest;
}

function keepNewest(newest: Map<string, FoundBackup>, found: FoundBackup): void {
  const { plan, tenantId, type } = found.manifest;
  const key = JSON.stringify([plan, tenantId, type]);
  const before = newest.get(key);
  if (!before || before.manifest.startedAt < found.manifest.startedAt) newest.set(key, found);
}

const affectedBackup = (
  { id, name, startedAt }: ManifestRef,
  plan: string | null,
  artifacts: AffectedBackup['artifacts'],
): AffectedBackup => ({ id, name, plan, startedAt, artifacts });

async function* backupsOf(
  run: Run,
  onLost: (backup: { readonly ref: ManifestRef }) => void,
): AsyncGenerator<FoundBackup> {
  const { repository, options } = run;
  if (options.backupId !== undefined) {
    yield await repository.manifests.resolve(options.backupId, ['backups', 'archived']);
    return;
  }
  yield* everyBackup(repository, ({ name, code, why, signerUnknown }, ref) => {
    run.rejected.push({ name, code, why });
    // Damage, or the loss of a signer, may have hit a backup of ours; a proven forgery was never one.
    if (code !== 'manifest_forged' || signerUnknown) onLost({ ref });
  });
}
