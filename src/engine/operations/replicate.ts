import { asHoldfastError, codeOf, type ErrorCode, HoldfastError } from '../base/errors.ts';
import { type Anchor, backupCopier } from './copy-backup.ts';
import { copyFromBundle, copyToBundle } from './copy-bundle.ts';
import type { CopyPlace, PlacedBackup } from './copy-place.ts';

export interface CopyFailure {
  /** Null when it hit the destination as a whole. */
  readonly backupId: string | null;
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
}

export interface Replication {
  readonly from: CopyPlace;
  readonly to: CopyPlace;
  /** Oldest first; see `planReplication`. */
  readonly backups: readonly PlacedBackup[];
  /** Held there and not here; backups among those to be copied may be in it. */
  readonly hold: readonly PlacedBackup[];
  readonly source: readonly PlacedBackup[];
  readonly target: readonly PlacedBackup[];
  /** Reads every byte at the source again, also of what the target has, and compares the SHA-256 of everything. */
  readonly readsAll: boolean;
}

export interface Replicated {
  readonly copied: readonly PlacedBackup[];
  readonly storedBytes: number;
  readonly failures: readonly CopyFailure[];
  /** Holds that could not be placed. */
  readonly holdFailures: readonly CopyFailure[];
}

/** What says something about one backup; anything else would hit the next one too. */
const ABOUT_BACKUP: ReadonlySet<string> = new Set([
  ...['object_damaged', 'object_missing', 'object_exists', 'chunk_missing', 'manifest_forged', 'id_unknown'],
  ...['bundle_malformed', 'bundle_not_encrypted', 'limit_exceeded', 'path_unsafe', 'run_too_long'],
]);

/**
 * Copies backups from one destination to another, each under its own id and committed by itself: a run that ends
 * anywhere has lost nothing, and the next goes on. A damaged backup is named and does not stop the others; a failure of
 * a destination ends it and is in the result. Throws `interrupted`.
 */
export async function replicate(replication: Replication): Promise<Replicated> {
  const { to, backups, hold } = replication;
  const copied: PlacedBackup[] = [];
  const failures: CopyFailure[] = [];
  let storedBytes = 0;
  const copier = oneCopier(replication);
  try {
    for (const [i, backup] of backups.entries()) {
      to.signal.throwIfAborted();
      to.progress.phase(`copy ${i + 1} of ${backups.length}`, { bytes: backup.sizeBytes });
      try {
        storedBytes += await copier.copy(backup);
        copied.push(backup);
      } catch (error) {
        if (to.signal.aborted) throw new HoldfastError('interrupted', undefined, { cause: error });
        const isAboutBackup = ABOUT_BACKUP.has(codeOf(error) ?? '');
        failures.push(failureOf(error, isAboutBackup ? backup.id : null));
        if (!isAboutBackup) return { copied, storedBytes, failures, holdFailures: [] };
      }
    }
  } finally {
    copier.close();
  }
  const held = [...hold, ...copied.filter((backup) => backup.held)];
  return { copied, storedBytes, failures, holdFailures: await placeHolds(to, held) };
}

/** An error as part of an outcome. */
export function failureOf(error: unknown, backupId: string | null): CopyFailure {
  const { code, message, next } = asHoldfastError(error);
  return { backupId, code, message, next };
}

interface OneCopier {
  /** Resolves with the bytes stored. */
  copy(backup: PlacedBackup): Promise<number>;
  close(): void;
}

function oneCopier({ from, to, source, target, readsAll }: Replication): OneCopier {
  if (from.layout === 'bundles') {
    return { copy: (backup) => copyFromBundle(from, to, backup), close: () => {} };
  }
  if (to.layout === 'bundles') {
    return { copy: ({ id }) => copyToBundle(from.context, id, to), close: () => {} };
  }
  const copier = backupCopier(from, to, { readsAll });
  const common = commonOf(source, target);
  const anchors = new Map<string, Anchor | null>();
  const [there, here] = [from.context.repository.manifests, to.context.repository.manifests];
  const firstAnchor = async (backup: PlacedBackup): Promise<Anchor | null> => {
    const found = nearest(backup, common);
    if (!found || !('ref' in found.there.at) || !('ref' in found.here.at)) return null;
    return { there: await there.read(found.there.at.ref), here: await here.read(found.here.at.ref) };
  };
  return {
    async copy(backup) {
      if (!('ref' in backup.at)) throw new HoldfastError('internal', 'a backup is not where it was listed');
      const group = JSON.stringify([backup.plan, backup.tenantId, backup.type]);
      const known = anchors.get(group);
      const anchor = known === undefined ? await firstAnchor(backup) : known;
      const manifest = await there.read(backup.at.ref);
      const copied = await copier.copy(manifest, anchor);
      anchors.set(group, { there: manifest, here: copied.manifest });
      return copied.storedBytes;
    },
    close: copier.close,
  };
}

interface Common {
  readonly there: PlacedBackup;
  readonly here: PlacedBackup;
}

function commonOf(source: readonly PlacedBackup[], target: readonly PlacedBackup[]): Common[] {
  const there = new Map(source.map((backup) => [backup.id, backup]));
  return target.flatMap((here) => {
    const other = there.get(here.id);
    return other ? [{ there: other, here }] : [];
  });
}

/** The backup both hold that a missing one probably shares most with: the one before it, else the one after. */
function nearest(backup: PlacedBackup, common: readonly Common[]): Common | null {
  const alike = common.filter(
    ({ here }) => here.plan === backup.plan && here.tenantId === backup.tenantId && here.type === backup.type,
  );
  const distance = ({ here }: Common) => {
    const ms = backup.timestampMs - here.timestampMs;
    return ms >= 0 ? ms : Number.MAX_SAFE_INTEGER / 2 - ms;
  };
  return alike.toSorted((a, b) => distance(a) - distance(b))[0] ?? null;
}

/** A backup that is held at one place is held at all of them. */
async function placeHolds(to: CopyPlace, backups: readonly PlacedBackup[]): Promise<CopyFailure[]> {
  if (to.layout === 'bundles') return [];
  const failures: CopyFailure[] = [];
  for (const { id, holdReason } of backups) {
    try {
      await to.context.repository.holds.place(id, holdReason ?? 'held');
    } catch (error) {
      failures.push(failureOf(error, id));
    }
  }
  return failures;
}
