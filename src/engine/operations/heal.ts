import { asHoldfastError, codeOf, HoldfastError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import type { Manifest, ManifestArtifact } from '../repository/manifest.ts';
import { stagedName } from '../repository/manifest-list.ts';
import { type ManifestRef, manifestPath, parseManifestName } from '../repository/manifest-path.ts';
import { FOLDERS, leafOf, signerName } from '../repository/object-names.ts';
import { repairIndex } from '../repository/repair.ts';
import { putSigner } from '../repository/signers.ts';
import type { VerifyReport } from '../repository/verify-report.ts';
import { bundleName } from './bundle-store.ts';
import { type BackupCopier, backupCopier } from './copy-backup.ts';
import {
  type BundlesPlace,
  backupsAt,
  type CopyPlace,
  type PlacedBackup,
  type RepositoryPlace,
} from './copy-place.ts';
import { type CopyFailure, failureOf } from './replicate.ts';

/** A copy that may give what another lost. */
export interface Healer {
  readonly name: string;
  readonly place: CopyPlace;
  /** Backups that are not whole there. */
  readonly affected: ReadonlySet<string>;
}

export interface HealOutcome {
  /** Ids of backups that were not whole and whose lost bytes were stored anew. */
  readonly healed: readonly string[];
  readonly storedBytes: number;
  readonly failures: readonly CopyFailure[];
}

/**
 * Gives a damaged copy back what it lost, out of the others, in their order. Damaged packs get a tombstone and what backups
 * need of them is stored anew; a manifest that cannot be read is written again. Nothing that is whole is touched, and nothing is
 * taken away before its replacement was found whole. What no copy can give is in `failures`. Throws `lease_held`, `interrupted`.
 */
export async function heal(
  place: CopyPlace,
  report: VerifyReport,
  healers: readonly Healer[],
): Promise<HealOutcome> {
  const names = [...report.damaged, ...report.affected, ...report.rejected].map(({ name }) => name);
  if (place.layout === 'bundles') return healBundles(place, names, healers);
  const { repository } = place.context;
  await healSigners(place, report, healers);
  await healHolds(place, report, healers);
  const damagedPacks = report.damaged
    .map(({ name }) => name)
    .filter((name) => name.startsWith(FOLDERS.packs));
  if (damagedPacks.length > 0 || report.damaged.some(({ name }) => name.startsWith(FOLDERS.index))) {
    const { progress, signal } = place;
    await repairIndex(repository, { damagedPacks, progress, signal });
  }
  const refs = refsOf(report);
  const healed: string[] = [];
  const failures = slotFailures(report);
  let storedBytes = 0;
  const copiers = new Map<Healer, BackupCopier>();
  try {
    for (const [i, ref] of refs.entries()) {
      place.signal.throwIfAborted();
      place.progress.phase(`heal ${i + 1} of ${refs.length}`, {});
      try {
        storedBytes += await healBackup(place, ref, healers, copiers);
        healed.push(ref.id);
      } catch (error) {
        if (place.signal.aborted) throw new HoldfastError('interrupted', undefined, { cause: error });
        failures.push(failureOf(error, ref.id));
      }
    }
  } finally {
    for (const copier of copiers.values()) copier.close();
  }
  return { healed, storedBytes, failures };
}

/** What is not whole, oldest first: backups that are hit, and objects in the place of one that are none. */
function refsOf(report: VerifyReport): ManifestRef[] {
  const refs = new Map<string, ManifestRef>();
  for (const { name } of [...report.affected, ...report.rejected]) {
    const ref = parseManifestName({ name, sizeBytes: 0, modifiedAtMs: 0 });
    if (ref) refs.set(name, ref);
  }
  return [...refs.values()].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/** Throws what the last of the others failed with; `object_damaged` when none has the backup. */
async function healBackup(
  place: RepositoryPlace,
  ref: ManifestRef,
  healers: readonly Healer[],
  copiers: Map<Healer, BackupCopier>,
): Promise<number> {
  let failure: unknown = new HoldfastError('object_damaged', `no other copy holds backup ${ref.id}`);
  for (const healer of healers) {
    try {
      if (healer.place.layout === 'bundles') continue;
      const { manifest } = await healer.place.context.repository.manifests.resolve(ref.id, [
        'backups',
        'archived',
      ]);
      if (manifestPath(manifest) !== pathOf(ref)) continue;
      const copier = copiers.get(healer) ?? backupCopier(healer.place, place, { readsAll: false });
      copiers.set(healer, copier);
      return await storeAgain(place, ref, manifest, copier);
    } catch (error) {
      if (place.signal.aborted) throw error;
      if (codeOf(error) !== 'id_unknown') failure = error;
    }
  }
  if (await isWholeBundle(ref, healers)) {
    // Replicating brings it: it is missing from then on.
    await removeManifest(place, ref);
    return 0;
  }
  throw failure;
}

const pathOf = ({ name }: ManifestRef) => name.slice(name.indexOf('/') + 1);

async function storeAgain(
  place: RepositoryPlace,
  ref: ManifestRef,
  manifest: Manifest,
  copier: BackupCopier,
): Promise<number> {
  const { manifests } = place.context.repository;
  const here = await manifests.read(ref).catch(() => null);
  const stored = await copier.store(manifest, here && { there: manifest, here });
  if (here && isSame(here.artifacts, stored.artifacts)) return stored.storedBytes;
  // It cannot be read, or its chunks were cut otherwise: what replaces it is all there by now.
  await removeManifest(place, ref);
  const committed = await stored.commit();
  if (ref.state === 'archived') {
    const name = `backups/${manifestPath(committed)}`;
    await manifests.archive(parseManifestName({ name, sizeBytes: 0, modifiedAtMs: 0 })!);
  }
  return stored.storedBytes;
}

function isSame(a: readonly ManifestArtifact[], b: readonly ManifestArtifact[]): boolean {
  const isEqual = (one: ManifestArtifact, other: ManifestArtifact | undefined) =>
    other?.name === one.name &&
    other.sha256 === one.sha256 &&
    other.content.depth === one.content.depth &&
    other.content.sizeBytes === one.content.sizeBytes &&
    other.content.refs.equals(one.content.refs);
  return a.length === b.length && a.every((one, i) => isEqual(one, b[i]));
}

async function removeManifest({ storage }: RepositoryPlace, { name }: ManifestRef): Promise<void> {
  await storage.remove(name);
  await storage.remove(stagedName(name));
}

async function isWholeBundle(ref: ManifestRef, healers: readonly Healer[]): Promise<boolean> {
  for (const { place, affected } of healers) {
    if (place.layout !== 'bundles' || affected.has(ref.id)) continue;
    const found = (await backupsAt(place)).some(({ id, state }) => id === ref.id && state === 'backups');
    if (found) return true;
  }
  return false;
}

/** Signers that are damaged or gone: this host's own is written again, others come from a copy that vouches for them as well. */
async function healSigners(
  { context, storage, progress, signingKey }: RepositoryPlace,
  { damaged, rejected }: VerifyReport,
  healers: readonly Healer[],
): Promise<void> {
  const { repository } = context;
  const isHit = damaged.some(({ name }) => name.startsWith(FOLDERS.signers));
  if (!isHit && !rejected.some(({ code }) => code === 'manifest_forged')) return;
  const { valid } = await repository.signers.list();
  const { epoch } = repository.keys;
  const own = signingKey.fingerprint.toString('hex');
  if (!valid.has(own)) {
    await storage.remove(signerName(epoch, own));
    await repository.signers.ensure(signingKey);
  }
  for (const { place, name } of healers) {
    if (place.layout === 'bundles') continue;
    const others = await place.context.repository.signers.list().catch((error: unknown) => {
      progress.warn(`${name}: its signers cannot be read: ${asHoldfastError(error).message}`);
      return null;
    });
    for (const signer of others?.valid.values() ?? []) {
      if (valid.has(signer.fingerprint) || signer.fingerprint === own) continue;
      await storage.remove(signerName(epoch, signer.fingerprint));
      await putSigner(repository, signer);
    }
  }
}

/** What is held stays held: its hold is placed anew, with the reason that a copy knows, before the damaged one goes. */
async function healHolds(
  { context, storage }: RepositoryPlace,
  { damaged }: VerifyReport,
  healers: readonly Healer[],
): Promise<void> {
  for (const { name } of damaged) {
    const [backupId, holdId] = name.startsWith(FOLDERS.holds) ? leafOf(name).split('_') : [];
    if (!backupId || !holdId || !isId(backupId)) continue;
    await context.repository.holds.place(
      backupId,
      (await reasonOf(backupId, healers)) ?? 'its reason was lost',
    );
    await storage.remove(name);
  }
}

async function reasonOf(backupId: string, healers: readonly Healer[]): Promise<string | null> {
  for (const { place } of healers) {
    if (place.layout === 'bundles') continue;
    for await (const hold of place.context.repository.holds.list()) {
      if (hold.backupId === backupId && hold.reason !== null) return hold.reason;
    }
  }
  return null;
}

/** A slot wraps the key of its own repository for one person: no copy has it. */
function slotFailures({ damaged }: VerifyReport): CopyFailure[] {
  const slots = damaged.filter(({ name }) => name.startsWith(FOLDERS.slots));
  return slots.map(({ name, why }) =>
    failureOf(
      new HoldfastError('object_damaged', why, {
        next: `no other copy has it: run holdfast key add for whoever used it, then holdfast key retire ${leafOf(name)}`,
      }),
      null,
    ),
  );
}

/** Takes damaged bundles away that another copy holds whole: replicating brings them. */
async function healBundles(
  place: BundlesPlace,
  damaged: readonly string[],
  healers: readonly Healer[],
): Promise<HealOutcome> {
  const healed: string[] = [];
  const failures: CopyFailure[] = [];
  const lists = new Map<Healer, readonly PlacedBackup[]>();
  for (const name of new Set(damaged)) {
    place.signal.throwIfAborted();
    let whole: PlacedBackup | null = null;
    for (const healer of healers) {
      const list = lists.get(healer) ?? (await backupsAt(healer.place));
      lists.set(healer, list);
      whole ??=
        list.find((backup) => !healer.affected.has(backup.id) && bundleNamesOf(backup).includes(name)) ??
        null;
    }
    if (whole) {
      await place.storage.remove(name);
      healed.push(whole.id);
    } else {
      failures.push(
        failureOf(new HoldfastError('object_damaged', `no other copy holds ${name} whole`), null),
      );
    }
  }
  return { healed, storedBytes: 0, failures };
}

function bundleNamesOf({ tenantId, type, timestampMs }: PlacedBackup): string[] {
  const startedAt = new Date(timestampMs).toISOString();
  return (['zstd', 'gzip'] as const).flatMap((compression) =>
    (['aes-256-gcm', 'none'] as const).map((encryption) =>
      bundleName({ tenantId, type, startedAt }, compression, encryption),
    ),
  );
}
