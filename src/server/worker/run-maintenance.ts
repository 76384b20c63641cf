import type { Config, PlanConfig } from '../../contracts/config.ts';
import { destinationsOf, partsOf } from '../../contracts/config-destinations.ts';
import { HoldfastError, openEngine, replicateBetween } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job, JobContext, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from './engine-progress.ts';
import { enginePlansOf } from './plan-config.ts';
import type { PrunePayload, ReplicatePayload, RotatePayload } from './port.ts';
import { recordCopy } from './record-backups.ts';
import { type RemovedAt, recordRemoved } from './record-removed.ts';
import { type RunConfig, type RunnerParts, runConfig, specsOf } from './runner-parts.ts';

/** Applies retention at every destination of a plan. One that is down does not keep the others from it, and fails the run. */
export async function runRotate(parts: RunnerParts, job: Job, context: JobContext): Promise<JobOutcome> {
  const { plan: name } = job.payload as RotatePayload;
  const run = await runConfig(parts);
  const plan = planOf(run, name);
  const plans = enginePlansOf(name, plan);
  // Backups of a tenant that the plan belonged to before are that tenant's: they go by the command line.
  const { tenantId } = job;
  const removed: RemovedAt[] = [];
  let failure: unknown = null;
  for (const { name: destination } of destinationsOf(run.config, plan)) {
    try {
      const { ids, paused } = await rotateAt(parts, run, destination, { plans, tenantId }, context);
      const destinationId = run.destinationIds.get(destination) ?? destination;
      removed.push({ destination, destinationId, ids });
      if (paused !== null)
        failure ??= new HoldfastError('retention_paused', `${name} at ${destination}: ${paused}`);
    } catch (error) {
      context.signal.throwIfAborted();
      failure ??= error;
    }
  }
  const record = (trx: CatalogDb) => recordRemoved(trx, parts, { plan: name, job }, removed);
  // What was archived is written down even when a destination was down; the next run tries that one again.
  if (failure !== null) {
    await parts.catalog.transaction(record);
    throw failure;
  }
  const result = { removed: removed.map(({ destination, ids }) => ({ destination, ids })) };
  return { status: 'succeeded', result, record };
}

function planOf({ config }: RunConfig, name: string) {
  const plan = config.plans[name];
  if (!plan) throw new HoldfastError('plan_unknown', `there is no plan ${name} any more`);
  return plan;
}

async function rotateAt(
  parts: RunnerParts,
  { config }: RunConfig,
  destination: string,
  { plans, tenantId }: { readonly plans: readonly string[]; readonly tenantId: string | null },
  context: JobContext,
): Promise<{ readonly ids: string[]; readonly paused: string | null }> {
  const spec = await parts.workplace.destination(config, destination);
  const port = { progress: engineProgress(context), signal: context.signal };
  const engine = await openEngine({ ...(await spec.options()), ...port });
  try {
    const removed: string[] = [];
    let paused: string | null = null;
    for (const plan of plans) {
      const outcome = await engine.rotate({ dryRun: false, plan, tenantId, rulesOf: spec.rulesOf });
      const going = outcome.decisions.filter(({ action }) => action === 'remove');
      removed.push(...going.map(({ backup }) => backup.id));
      paused ??= outcome.paused[0]?.text ?? null;
    }
    return { ids: removed, paused };
  } finally {
    await engine.close();
  }
}

/** Reclaims space at one destination. */
export async function runPrune(parts: RunnerParts, job: Job, context: JobContext): Promise<JobOutcome> {
  const { destination } = job.payload as PrunePayload;
  const { config } = await runConfig(parts);
  if (!config.destinations[destination]) {
    throw new HoldfastError('document_unknown', `there is no destination ${destination} any more`);
  }
  const spec = await parts.workplace.destination(config, destination);
  const port = { progress: engineProgress(context), signal: context.signal };
  const engine = await openEngine({ ...(await spec.options()), ...port });
  try {
    return { status: 'succeeded', result: await engine.prune({ dryRun: false }) };
  } finally {
    await engine.close();
  }
}

/**
 * Brings the destinations of a plan what they lack from each other; what sources are separated into gets nothing of the others. Tried again
 * while one of them is down. Fails when anything keeps a destination from being whole.
 */
export async function runReplicate(parts: RunnerParts, job: Job, context: JobContext): Promise<JobOutcome> {
  const { plan: name } = job.payload as ReplicatePayload;
  const run = await runConfig(parts);
  const port = { progress: engineProgress(context), signal: context.signal };
  const stands: Awaited<ReturnType<typeof replicateBetween>>['destinations'][number][] = [];
  for (const { names, ...set } of setsOfCopies(run.config, name, planOf(run, name))) {
    const specs = await specsOf(parts, run.config, names);
    const { destinations } = await replicateBetween({ from: specs, to: specs, ...set, dryRun: false }, port);
    stands.push(...destinations);
  }
  const nowMs = parts.catalog.clock.nowMs();
  await parts.catalog.transaction(async (trx) => {
    for (const { name: destination, copied } of stands) {
      for (const { id } of copied) await recordCopied(trx, run, destination, id, nowMs);
    }
  });
  const behind = stands.filter(({ missing, isKnown }) => missing.length > 0 || !isKnown);
  if (behind.length > 0) {
    const list = [...new Set(behind.map(({ name: destination }) => destination))].join(', ');
    throw new HoldfastError('storage_unreachable', `copies are still missing at ${list}`);
  }
  for (const { name: destination, failures } of stands) {
    const [failure] = failures;
    if (failure) {
      const { code, message, next } = failure;
      throw new HoldfastError(code, `${destination}: ${message}`, { next });
    }
  }
  return {
    status: 'succeeded',
    result: { copied: stands.map(({ name: at, copied }) => ({ at, ids: copied.map(({ id }) => id) })) },
  };
}

/** Destinations that hold the same, of a plan and its parts. */
function setsOfCopies(
  config: Config,
  name: string,
  plan: PlanConfig,
): { plan: string; names: string[]; apart: readonly string[] }[] {
  return enginePlansOf(name, plan).flatMap((one) =>
    partsOf(config, config.plans[one]!).flatMap(({ destinations, apart }) => {
      const names = destinations?.map((at) => at.name) ?? [];
      return names.length > 1 ? [{ plan: one, names, apart }] : [];
    }),
  );
}

async function recordCopied(
  trx: CatalogDb,
  run: RunConfig,
  destination: string,
  backupId: string,
  nowMs: number,
): Promise<void> {
  const known = await trx.selectFrom('backups').select('id').where('id', '=', backupId).executeTakeFirst();
  if (!known) return;
  const destinationId = run.destinationIds.get(destination) ?? destination;
  const times = { seen_at: nowMs, copied_at: nowMs };
  await recordCopy(trx, {
    backup_id: backupId,
    destination_id: destinationId,
    state: 'present',
    ...times,
    error: null,
  });
}
