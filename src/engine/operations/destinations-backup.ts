import { HoldfastError } from '../base/errors.ts';
import type { BackupOutcome, BackupRequest } from './backup.ts';
import {
  atDestination,
  type DestinationSpec,
  isAboutDestination,
  participantOf,
  type RunPort,
  refuseRegions,
  type TriedDestination,
  withDestinations,
} from './destinations.ts';
import type { Engine } from './engine.ts';
import { type CopyFailure, failureOf } from './replicate.ts';
import { type CopiesAt, replicateAmong } from './replicate-among.ts';

/** How a destination stands after a run. */
export interface CopyStatus {
  readonly destination: string;
  readonly address: string;
  /** `stored`: the backup was written there. `copied`: it was copied there. `missing`: it lacks this backup, or another of the plan. */
  readonly status: 'stored' | 'copied' | 'missing';
  /** Backups that came by copying, this one or older ones. */
  readonly copied: number;
  readonly storedBytes: number;
  /** Backups of the plan that it lacks and should have; at least 1 when it could not be asked. */
  readonly missing: number;
  readonly failures: readonly CopyFailure[];
}

export interface BackupWithCopies extends Omit<BackupOutcome, 'status'> {
  /** `copy-missing`: the backup is stored and whole, and some destination lacks a copy: never called success. */
  readonly status: BackupOutcome['status'] | 'copy-missing';
  /** The destination it was written to. */
  readonly destination: string;
  readonly copies: readonly CopyStatus[];
}

type Tried = (spec: DestinationSpec) => Promise<TriedDestination>;

/**
 * Reads the sources once, into the first destination that answers, then copies what each of the others lacks of the plan, also
 * from runs before, but for backups that hold any of the sources `apart`, which go elsewhere; a destination that fails does not fail the others. Throws `region_refused` before anything
 * is read, what `backup` throws, and, when no destination takes the backup, why the first did not.
 */
export async function backupToAll(
  request: BackupRequest & { readonly apart?: readonly string[] },
  specs: readonly DestinationSpec[],
  port: RunPort,
): Promise<BackupWithCopies> {
  refuseRegions(specs, request.plan);
  return withDestinations(port, async (tried) => {
    const { spec, engine, outcome, failed } = await writeToFirst(request, specs, port, tried);
    const copies = await copyToOthers(request, specs, { spec, engine, failed }, tried);
    const isMissing = copies.some(({ status }) => status === 'missing');
    const status = outcome.status === 'succeeded' && isMissing ? 'copy-missing' : outcome.status;
    return { ...outcome, status, destination: spec.name, copies };
  });
}

interface Written {
  readonly spec: DestinationSpec;
  readonly engine: Engine;
  /** Those that were tried before and did not take it. */
  readonly failed: ReadonlyMap<DestinationSpec, CopyFailure>;
}

async function writeToFirst(
  request: BackupRequest,
  specs: readonly DestinationSpec[],
  { progress, signal }: RunPort,
  tried: Tried,
): Promise<Written & { readonly outcome: BackupOutcome }> {
  const failed = new Map<DestinationSpec, CopyFailure>();
  let first: unknown = null;
  for (const spec of specs) {
    const { engine, failure } = await tried(spec);
    if (engine) {
      try {
        return { spec, engine, failed, outcome: await engine.backup(request) };
      } catch (thrown) {
        const error = atDestination(thrown, engine.address);
        if (signal.aborted || !isAboutDestination(error)) throw error;
        first ??= error;
        failed.set(spec, failureOf(error, null));
      }
    } else {
      first ??= new HoldfastError(failure.code, failure.message, { next: failure.next });
      failed.set(spec, failure);
    }
    if (specs.length > 1)
      progress.warn(`${spec.name} does not take the backup: ${failed.get(spec)!.message}`);
  }
  throw first;
}

async function copyToOthers(
  { plan, tenantId, apart = [] }: BackupRequest & { readonly apart?: readonly string[] },
  specs: readonly DestinationSpec[],
  written: Written,
  tried: Tried,
): Promise<CopyStatus[]> {
  if (specs.length === 1) return [statusOf(written.spec, 'stored', null)];
  const down = new Map(written.failed);
  const up = [];
  for (const spec of specs) {
    if (down.has(spec)) continue;
    const { engine, failure } = await tried(spec);
    if (engine) up.push(participantOf(spec, engine));
    else down.set(spec, failure);
  }
  const own = up.find(({ name }) => name === written.spec.name)!;
  // What the others have from a time when this one was down comes here first, so that it is a source for all.
  const sources = [own, ...up.filter((one) => one !== own)];
  const filter = { plan, apart, ...(tenantId === null ? {} : { tenantId }), dryRun: false };
  const outcomes = await replicateAmong(sources, sources, filter);
  return specs.map((spec) => {
    const failure = down.get(spec);
    if (failure) return { ...statusOf(spec, 'missing', null), missing: 1, failures: [failure] };
    const outcome = outcomes.find(({ name }) => name === spec.name)!;
    return statusOf(spec, spec === written.spec ? 'stored' : 'copied', outcome);
  });
}

function statusOf(
  { name, address }: DestinationSpec,
  status: 'stored' | 'copied' | 'missing',
  outcome: CopiesAt | null,
): CopyStatus {
  const missing = outcome?.missing.length ?? 0;
  const failures = outcome?.failures ?? [];
  const isUnknown = outcome !== null && !outcome.isKnown;
  return {
    destination: name,
    address,
    status: missing > 0 || isUnknown || failures.length > 0 ? 'missing' : status,
    copied: outcome?.copied.length ?? 0,
    storedBytes: outcome?.storedBytes ?? 0,
    missing: isUnknown ? Math.max(1, missing) : missing,
    failures,
  };
}
