import { codeOf, HoldfastError } from '../base/errors.ts';
import { CONFIG_NAME, FOLDERS } from '../repository/object-names.ts';
import type { VerifyReport } from '../repository/verify-report.ts';
import {
  type DestinationSpec,
  isAboutDestination,
  participantOf,
  type RunPort,
  type TryDestination,
  withDestinations,
} from './destinations.ts';
import { errorOf } from './destinations-replicate.ts';
import { type FoundBackup, resolveAmong } from './destinations-resolve.ts';
import type { Engine } from './engine.ts';
import { type Healer, type HealOutcome, heal } from './heal.ts';
import { MENDABLE, mendDestination } from './mend-destination.ts';
import { type CopyFailure, failureOf } from './replicate.ts';
import { type ReplicatedBackup, replicateAmong } from './replicate-among.ts';
import { goesElsewhere } from './replicate-plan.ts';

/** Destinations that hold copies of the same backups. */
export interface CopySet {
  /** Null for backups without a plan; absent for all. */
  readonly plan?: string | null;
  /** See `ReplicateFilter`. */
  readonly apart?: readonly string[];
  readonly specs: readonly DestinationSpec[];
}

export interface VerifyAllRequest {
  /** Each destination is looked at once, in how many sets it may be. */
  readonly sets: readonly CopySet[];
  /** Beginning of an id, or `latest`; null for everything. */
  readonly backupId: string | null;
  readonly share: number;
  /** Gives damaged copies back what others have, and missing ones. */
  readonly heal: boolean;
}

export interface VerifiedCopy {
  readonly destination: string;
  readonly address: string;
  /** `missing`: what is there is good, and it lacks backups that another copy has. `down`: it could not be looked at. */
  readonly status: 'good' | 'damaged' | 'missing' | 'down';
  /** The last look; null for a destination that is down or lacks the backup asked for. */
  readonly report: VerifyReport | null;
  /** What another copy has and this one should. */
  readonly missing: readonly ReplicatedBackup[];
  /** Null when nothing was to be healed. */
  readonly healed: (HealOutcome & { readonly copied: number }) | null;
  readonly failures: readonly CopyFailure[];
}

interface Look {
  readonly spec: DestinationSpec;
  engine: Engine | null;
  report: VerifyReport | null;
  missing: ReplicatedBackup[];
  healed: (HealOutcome & { copied: number }) | null;
  failures: CopyFailure[];
}

/**
 * Checks the stored bytes of every copy and compares what the copies hold; with `heal` repairs each from the others, and
 * looks again. A destination that is down is in the result; with an id, only those that should hold that backup. Throws `id_unknown` when no copy holds the backup asked for, the failure
 * of the first when all are down, `interrupted`.
 */
export async function verifyAll(request: VerifyAllRequest, port: RunPort): Promise<VerifiedCopy[]> {
  const specs = [...new Set(request.sets.flatMap((set) => set.specs))];
  return withDestinations(port, async (tried) => {
    const looks: Look[] = [];
    for (const spec of specs) {
      const { engine, failure } = await tried(spec);
      looks.push({
        spec,
        engine,
        report: null,
        missing: [],
        healed: null,
        failures: failure ? [failure] : [],
      });
    }
    if (request.heal) for (const look of looks) await mendOne(look, looks, tried, port);
    if (looks.every(({ engine }) => engine === null)) throw errorOf(looks[0]!.failures[0]!);
    const id = request.backupId === null ? null : await resolveAmong(request.backupId, looks);
    const meant = id === null ? looks : looks.filter(({ spec }) => isPlaceOf(spec, id, request.sets));
    const up = meant.filter(({ engine }) => engine !== null);
    for (const look of up) await lookAt(look, id?.backupId ?? null, request.share, port);
    if (id !== null) for (const look of up) if (!id.holders.has(look.spec)) look.missing.push(id.backup);
    if (request.heal) {
      for (const look of up) await healOne(look, up, port);
    }
    if (id === null || request.heal) await compare(request, up);
    if (request.heal) {
      for (const look of up)
        if (look.healed !== null) await lookAt(look, id?.backupId ?? null, request.share, port);
    }
    return meant.map(verdictOf);
  });
}

/** Whether a destination has a backup, or shares its plan's copies with one that has. */
function isPlaceOf(
  spec: DestinationSpec,
  { holders, backup, sources }: FoundBackup,
  sets: readonly CopySet[],
): boolean {
  const isShared = sets.some(
    ({ plan, specs, apart }) =>
      (plan === undefined || plan === backup.plan) &&
      !goesElsewhere(sources, apart) &&
      specs.includes(spec) &&
      specs.some((one) => holders.has(one)),
  );
  return isShared || holders.has(spec);
}

/** A copy that does not open, or not all of it, gets back what opens it, as far as that can be. */
async function mendOne(
  look: Look,
  looks: readonly Look[],
  tried: TryDestination,
  port: RunPort,
): Promise<void> {
  const { engine, spec, failures } = look;
  const place = engine?.copyPlace;
  const isPartly = place?.layout === 'repository' && place.context.repository.findings.length > 0;
  if (!isPartly && !MENDABLE.has(failures[0]?.code ?? '')) return;
  if (!(await mend(look, looks, port))) return;
  const { engine: opened, failure } = await tried(spec, { anew: true });
  look.engine = opened;
  look.failures = failure ? [failure] : [];
}

/** True when something was written anew. What cannot be is among the failures. */
async function mend(
  { spec, failures }: Look,
  looks: readonly Look[],
  { progress, signal }: RunPort,
): Promise<boolean> {
  const others = looks.flatMap((one) => (one.spec === spec || !one.engine ? [] : [one.engine.copyPlace]));
  try {
    const names = await mendDestination(spec, others);
    if (names.length > 0) progress.warn(`${spec.name}: written anew: ${names.join(', ')}`);
    return names.length > 0;
  } catch (error) {
    if (signal.aborted || !isAboutDestination(error)) throw error;
    const failure = failureOf(error, null);
    if (!failures.some(({ message }) => message === failure.message)) failures.push(failure);
    return false;
  }
}

const opensIt = ({ name }: { readonly name: string }) =>
  name === CONFIG_NAME || name.startsWith(FOLDERS.keyrings);

async function lookAt(
  look: Look,
  backupId: string | null,
  share: number,
  { progress, signal }: RunPort,
): Promise<void> {
  progress.phase(look.spec.name, {});
  try {
    look.report = await look.engine!.verify({ backupId, share });
  } catch (error) {
    if (signal.aborted || !isAboutDestination(error)) throw error;
    // A copy that lacks the backup is told by what it lacks.
    look.report = null;
    if (codeOf(error) !== 'id_unknown') look.failures.push(failureOf(error, null));
  }
}

async function healOne(look: Look, up: readonly Look[], port: RunPort): Promise<void> {
  const { signal } = port;
  const { report, engine } = look;
  if (report === null || report.ok) return;
  if (report.damaged.some(opensIt)) await mend(look, up, port);
  const healers = up
    .filter((one) => one !== look)
    .map(({ spec, engine: other, report: theirs }): Healer => {
      const affected = new Set((theirs?.affected ?? []).map(({ id }) => id));
      return { name: spec.name, place: other!.copyPlace, affected };
    });
  try {
    look.healed = { ...(await heal(engine!.copyPlace, report, healers)), copied: 0 };
    look.failures.push(...look.healed.failures);
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted', undefined, { cause: error });
    look.failures.push(failureOf(error, null));
  }
}

/** What each copy lacks of the others; with `heal` it is copied. */
async function compare(request: VerifyAllRequest, up: readonly Look[]): Promise<void> {
  for (const set of request.sets) {
    const looks = up.filter(({ spec }) => set.specs.includes(spec));
    if (looks.length < 2) continue;
    const participants = looks.map(({ spec, engine }) => participantOf(spec, engine!));
    const { plan, apart = [] } = set;
    const filter = { apart, ...(plan === undefined ? {} : { plan }) };
    const outcomes = await replicateAmong(participants, participants, {
      ...filter,
      dryRun: !request.heal,
      readsManifests: true,
    });
    looks.forEach((look, i) => {
      const { copied, missing, failures, storedBytes } = outcomes[i]!;
      look.missing = [...look.missing.filter(({ id }) => !copied.some((one) => one.id === id)), ...missing];
      look.failures.push(...failures);
      if (!request.heal) look.missing.push(...copied);
      else if (copied.length > 0) {
        const before = look.healed ?? { healed: [], storedBytes: 0, failures: [], copied: 0 };
        look.healed = {
          ...before,
          storedBytes: before.storedBytes + storedBytes,
          copied: before.copied + copied.length,
        };
      }
    });
  }
}

function verdictOf({ spec, engine, report, missing, healed, failures }: Look): VerifiedCopy {
  const unique = [...new Map(missing.map((backup) => [backup.id, backup])).values()];
  const isUnseen = engine === null || (report === null && unique.length === 0);
  const isOther = failures.some(({ code }) => code === 'backup_conflict');
  const isDamaged = (report !== null && !report.ok) || isOther;
  return {
    destination: spec.name,
    address: spec.address,
    status: isUnseen ? 'down' : isDamaged ? 'damaged' : unique.length > 0 ? 'missing' : 'good',
    ...{ report, missing: unique, healed, failures },
  };
}
