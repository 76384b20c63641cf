import { asHoldfastError, HoldfastError } from '../base/errors.ts';
import { backupsAt, type CopyPlace, type PlacedBackup, placedAt } from './copy-place.ts';
import { extendLocks } from './extend-locks.ts';
import { NOTHING_KNOWN } from './known-manifests.ts';
import { knownManifests } from './remembered-manifests.ts';
import { type CopyFailure, failureOf, replicate } from './replicate.ts';
import { type LeftOutReason, planReplication, type ReplicateFilter } from './replicate-plan.ts';

/** A destination that takes part, with what counts there. */
export interface Participant {
  readonly name: string;
  readonly place: CopyPlace;
  readonly rulesOf: ReplicateFilter['rulesOf'];
  readonly refusalOf?: ReplicateFilter['refusalOf'];
}

export interface AmongRequest {
  /** Only backups of this plan; null for those without one; absent for all. */
  readonly plan?: string | null;
  readonly tenantId?: string;
  /** See `ReplicateFilter`. */
  readonly apart?: readonly string[];
  /** Only says what would be copied. */
  readonly dryRun: boolean;
  readonly readsAll?: boolean;
  /** Reads manifests again that this machine found good before and that are the same objects since. */
  readonly readsManifests?: boolean;
}

export interface ReplicatedBackup {
  readonly id: string;
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: PlacedBackup['type'];
  readonly timestampMs: number;
  readonly sizeBytes: number;
}

/** What became of one destination. */
export interface CopiesAt {
  readonly name: string;
  /** Copied, or with `dryRun` to be copied; oldest first. */
  readonly copied: readonly ReplicatedBackup[];
  readonly storedBytes: number;
  /** What another destination has and this one should. Empty with `dryRun`. */
  readonly missing: readonly ReplicatedBackup[];
  readonly leftOut: readonly (ReplicatedBackup & { readonly reason: LeftOutReason; readonly text: string })[];
  /** What keeps it from being whole: copies that are missing, holds that could not be placed. Empty when it is. */
  readonly failures: readonly CopyFailure[];
  /** False when it could not be looked at, so that nobody knows what it lacks. */
  readonly isKnown: boolean;
}

/**
 * Brings every target what it lacks from the sources, in their order; what one cannot give, the next does. Reads the list
 * of each destination once. Throws `usage` for one place under two names, `interrupted`.
 */
export async function replicateAmong(
  sources: readonly Participant[],
  targets: readonly Participant[],
  request: AmongRequest,
): Promise<CopiesAt[]> {
  refuseSame([...new Set([...sources, ...targets])]);
  const lists = new Map<Participant, readonly PlacedBackup[]>();
  const listOf: ListOf = async (one, changed = NO_CHANGE) => {
    const known = changed === 'anew' ? undefined : lists.get(one);
    const { copied, held } = changed === 'anew' ? NO_CHANGE : changed;
    const placed = copied.map((backup) => placedAt(one.place, backup));
    const isKnown = known !== undefined && placed.every((backup) => backup !== null);
    const list = isKnown
      ? [...known.map(holding(held)), ...placed]
      : await backupsAt(
          one.place,
          rejectedAt(one),
          request.readsAll || request.readsManifests ? NOTHING_KNOWN : await knownManifests(one.place),
        );
    lists.set(one, list);
    return list;
  };
  const outcomes: CopiesAt[] = [];
  for (const target of targets) {
    try {
      outcomes.push(
        await bring(
          sources.filter((one) => one !== target),
          target,
          request,
          listOf,
        ),
      );
    } catch (error) {
      if (target.place.signal.aborted) throw new HoldfastError('interrupted', undefined, { cause: error });
      const failures = [failureOf(error, null)];
      outcomes.push({ ...NOTHING, name: target.name, failures, isKnown: false });
    }
  }
  return outcomes;
}

const NOTHING = { copied: [], storedBytes: 0, missing: [], leftOut: [] };

const rejectedAt =
  ({ name, place }: Participant) =>
  (object: string, why: string) =>
    place.progress.warn(`${name}: ${object} is not a backup: ${why}`);

/** What was done at a destination since it was asked for the last time. */
interface Change {
  readonly copied: readonly PlacedBackup[];
  readonly held: readonly PlacedBackup[];
}

const NO_CHANGE: Change = { copied: [], held: [] };

const holding = (held: readonly PlacedBackup[]) => (backup: PlacedBackup) => {
  const same = held.find(({ id }) => id === backup.id);
  return same ? { ...backup, held: true, holdReason: same.holdReason } : backup;
};

/** What a destination holds. */
type ListOf = (one: Participant, changed?: Change | 'anew') => Promise<readonly PlacedBackup[]>;

async function bring(
  sources: readonly Participant[],
  target: Participant,
  request: AmongRequest,
  listOf: ListOf,
): Promise<CopiesAt> {
  const copied: PlacedBackup[] = [];
  const failures: CopyFailure[] = [];
  const holdFailures: CopyFailure[] = [];
  let storedBytes = 0;
  for (const source of sources) {
    const plan = await planFor(source, target, request, listOf);
    const backups = plan.copy.filter(({ id }) => !copied.some((one) => one.id === id));
    if (request.dryRun) {
      copied.push(...backups);
      continue;
    }
    if (backups.length + plan.hold.length === 0) continue;
    const done = await replicate({
      ...{
        from: source.place,
        to: target.place,
        backups,
        hold: plan.hold,
        readsAll: request.readsAll ?? false,
      },
      ...{ source: await listOf(source), target: await listOf(target) },
    });
    copied.push(...done.copied);
    failures.push(...done.failures);
    holdFailures.push(...done.holdFailures);
    storedBytes += done.storedBytes;
    // Somebody else may have copied it in the meantime.
    const isOvertaken = done.failures.some(({ code }) => code === 'object_exists');
    await listOf(target, isOvertaken ? 'anew' : { copied: done.copied, held: plan.hold });
  }
  if (copied.length > 0 && !request.dryRun) await renewLocks(target);
  const [missing, leftOut] = await stillWanted(sources, target, request, listOf);
  return {
    ...{ name: target.name, storedBytes, isKnown: true },
    failures: [
      ...failures.filter((failure) => isStillTrue(failure, missing, target)),
      ...holdFailures,
      ...(await conflictsAt(sources, target, listOf)),
    ],
    copied: copied.map(shown),
    missing: request.dryRun ? [] : missing.map(shown),
    leftOut: leftOut.map(({ backup, reason, text }) => ({ ...shown(backup), reason, text })),
  };
}

/** What lies at the target under the id of a backup that a source has, and is another one: no copy, whatever it says. */
async function conflictsAt(
  sources: readonly Participant[],
  target: Participant,
  listOf: ListOf,
): Promise<CopyFailure[]> {
  const here = new Map((await listOf(target)).map((backup) => [backup.id, backup]));
  const conflicts = new Map<string, CopyFailure>();
  for (const source of sources) {
    for (const there of await listOf(source)) {
      const one = here.get(there.id);
      const isCopy = one && one.digest === there.digest && one.timestampMs === there.timestampMs;
      if (!one || isCopy) continue;
      const text = `backup ${there.id} is another one here than at ${source.name}`;
      conflicts.set(there.id, failureOf(new HoldfastError('backup_conflict', text), there.id));
    }
  }
  return [...conflicts.values()];
}

/** What one source could not give and another did is no failure of the copy: it is told. */
function isStillTrue(
  { backupId, message }: CopyFailure,
  missing: readonly PlacedBackup[],
  { name, place }: Participant,
): boolean {
  if (backupId === null ? missing.length > 0 : missing.some(({ id }) => id === backupId)) return true;
  place.progress.warn(
    `${name}: ${backupId === null ? '' : `backup ${backupId} `}came another way: ${message}`,
  );
  return false;
}

async function planFor(source: Participant, target: Participant, request: AmongRequest, listOf: ListOf) {
  const { rulesOf, refusalOf, place } = target;
  const filter: ReplicateFilter = { ...request, rulesOf, ...(refusalOf ? { refusalOf } : {}) };
  return planReplication(await listOf(source), await listOf(target), filter, place.clock.nowMs());
}

type LeftOut = ReturnType<typeof planReplication>['leftOut'];

/** What the target lacks in the end, and what it is not to have; each once. */
async function stillWanted(
  sources: readonly Participant[],
  target: Participant,
  request: AmongRequest,
  listOf: ListOf,
): Promise<readonly [PlacedBackup[], LeftOut[number][]]> {
  const missing = new Map<string, PlacedBackup>();
  const leftOut = new Map<string, LeftOut[number]>();
  for (const source of sources) {
    const plan = await planFor(source, target, request, listOf);
    for (const backup of plan.copy) missing.set(backup.id, backup);
    for (const one of plan.leftOut) leftOut.set(one.backup.id, one);
  }
  return [[...missing.values()], [...leftOut.values()]];
}

function shown({ id, plan, tenantId, type, timestampMs, sizeBytes }: PlacedBackup): ReplicatedBackup {
  return { id, plan, tenantId, type, timestampMs, sizeBytes };
}

function refuseSame(participants: readonly Participant[]): void {
  const addresses = new Map<string, string>();
  for (const { name, place } of participants) {
    const other = addresses.get(place.storage.address);
    if (other !== undefined) {
      throw new HoldfastError('usage', `${other} and ${name} are the same place, ${place.storage.address}`, {
        next: 'give each destination an address of its own: two names for one place are one copy',
      });
    }
    addresses.set(place.storage.address, name);
  }
}

/** The copies are there whatever becomes of older locks, so trouble with those is told and not thrown. */
async function renewLocks({ name, place }: Participant): Promise<void> {
  if (place.layout === 'bundles') return;
  await extendLocks(place.context).catch((error: unknown) => {
    place.progress.warn(
      `${name}: locks of older objects were not renewed: ${asHoldfastError(error).message}`,
    );
  });
}
