/** Restores as jobs: asked for by the API, done by a worker that reaches source and destination. */
import type { Config } from '../../contracts/config.ts';
import { dropKept, type Engine, HoldfastError, type Progress, withNearestCopy } from '../../engine/index.ts';
import type { Job, JobContext, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from '../worker/engine-progress.ts';
import { type RunConfig, type RunnerParts, runConfig, specsOf } from '../worker/runner-parts.ts';
import { recordFound } from './record-found.ts';
import { besideOf, isDatabase, markOf, publicTarget, type RestoreMode, targetOf } from './restore-target.ts';
import { isSwitch, runSwitch, type SwitchPayload } from './run-switch.ts';
import { safetyBackup } from './safety-backup.ts';

export interface RestorePayload {
  readonly backupId: string;
  /** Null for all of it. */
  readonly item: string | null;
  /** An absolute path, or the name of a stored source. */
  readonly to: string;
  /** Stored destinations that hold it. */
  readonly destinations: readonly string[];
  /** Absent in what earlier versions asked for: as `safe`. */
  readonly mode?: RestoreMode;
  /** Only the rows of one tenant. */
  readonly tenant?: string | null;
  /** Default true. */
  readonly safetyBackup?: boolean;
  readonly graceMs?: number;
  /** Of a tenant: find out what would change, and end. */
  readonly planOnly?: boolean;
}

interface Run {
  readonly parts: RunnerParts;
  readonly run: RunConfig;
  readonly payload: RestorePayload;
  readonly mode: RestoreMode;
  /** What the request names, and where it really goes. */
  readonly named: string;
  readonly target: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface Copy {
  readonly engine: Engine;
  readonly backupId: string;
  readonly destination: string;
  readonly stateFolder: string;
}

/** For a worker: `openRunner(parts, { restore: restoreHandler(parts) })`. Throws `source_missing` for a target that is neither. */
export function restoreHandler(parts: RunnerParts): (job: Job, context: JobContext) => Promise<JobOutcome> {
  return async (job, context) => {
    const given = job.payload as RestorePayload | SwitchPayload;
    const progress = engineProgress(context);
    if (isSwitch(given)) return runSwitch(parts, given, progress, context.signal);
    const { backupId, destinations, mode = 'safe' } = given;
    const run = await runConfig(parts);
    const specs = await specsOf(parts, run.config, destinations);
    const named = await targetOf(parts, run.config, given.to);
    const target = mode === 'beside' ? besideOf(named, markOf(backupId)) : named;
    const all: Run = {
      ...{ parts, run, payload: given, mode, named, target, progress, signal: context.signal },
    };
    const result = await withNearestCopy(specs, backupId, all, async (copy) => {
      const { stateFolder } = await specs.find(({ name }) => name === copy.destination)!.options();
      const whole = { ...copy, stateFolder };
      const done = given.tenant
        ? await restoreTenant(all, whole, given.tenant)
        : await restoreWhole(all, whole);
      return { ...done, destination: copy.destination };
    });
    return { status: 'succeeded', result: { ...result, mode } };
  };
}

async function restoreWhole(run: Run, copy: Copy) {
  const { payload, mode, target, progress, signal } = run;
  const { item, graceMs } = payload;
  const isKept = mode === 'safe' || (mode === 'replace' && isDatabase(target));
  const safe = {
    ...{ stateFolder: copy.stateFolder, inPlace: mode === 'replace' },
    ...(graceMs === undefined ? {} : { graceMs }),
    onConnected: (place: string, who: readonly { readonly user: string; readonly count: number }[]) => {
      const sessions = who.map(({ user, count }) => `${count} of ${user}`).join(', ');
      progress.warn(`connected to ${place} and soon ended: ${sessions}`);
    },
  };
  const request = {
    ...{ backupId: copy.backupId, item, target, replace: mode !== 'beside' },
    ...(isKept ? { safe } : {}),
  };
  const { steps } = await copy.engine.planRestore(request);
  const taken = steps.find(({ replaces }) => replaces);
  if (mode === 'beside' && taken) {
    throw new HoldfastError('target_not_empty', `${taken.target} is there already`, {
      next: 'drop what an earlier restore left there, or choose another target',
    });
  }
  const safetyBackupId = await safetyBackupOf(run, copy, steps);
  const outcome = await copy.engine.restore({
    ...request,
    ...(isKept ? { safe: { ...safe, safetyBackupId } } : {}),
  });
  // A database is exchanged where it can be, which nobody who uses it sees; then the old one goes.
  if (mode === 'replace' && isDatabase(target) && outcome.kept.length > 0) {
    await dropKept({ safe, target, progress, signal });
    return { ...outcome, kept: [], target: publicTarget(target), safetyBackupId };
  }
  return { ...outcome, target: publicTarget(target), safetyBackupId };
}

type Steps = Parameters<typeof safetyBackup>[1]['steps'];

async function safetyBackupOf(run: Run, copy: Copy, steps: Steps): Promise<string | null> {
  const { parts, payload, mode, target, signal } = run;
  if (mode === 'beside' || payload.safetyBackup === false) return null;
  const id = await safetyBackup(copy.engine, { target, steps, signal });
  if (id === null) return null;
  const destinationId = run.run.destinationIds.get(copy.destination) ?? copy.destination;
  await recordFound(parts.catalog, copy.engine, id, destinationId);
  return id;
}

/** In one transaction, every other row as it was. */
async function restoreTenant(run: Run, copy: Copy, id: string) {
  const { payload, named } = run;
  const { item, planOnly = false } = payload;
  const { engine, backupId } = copy;
  const tenant = { id, ...rulesOf(run.run.config, (await engine.show(backupId)).artifacts, item) };
  const safetyBackupId = planOnly
    ? null
    : await safetyBackupOf({ ...run, target: named }, copy, [{ target: named, replaces: true }]);
  const outcome = await engine.restoreTenant({
    ...{ backupId, item, target: named, tenant, decide: () => !planOnly },
  });
  return { ...outcome, target: publicTarget(named), safetyBackupId };
}

/** How the source's configuration tells tenants; an export of one tenant brings its own. */
function rulesOf(
  { sources }: Config,
  artifacts: Awaited<ReturnType<Engine['show']>>['artifacts'],
  item: string | null,
) {
  const dump = artifacts.find(
    ({ name, source, kind }) =>
      (kind === 'pg-dump' || kind === 'pg-csv') && (item === null || item === name || item === source),
  );
  const source = sources[dump?.source ?? ''];
  const tenant = source?.kind === 'postgres' ? source.tenant : undefined;
  return { column: tenant?.column ?? 'tenant_id', rules: tenant?.rules ?? {} };
}
