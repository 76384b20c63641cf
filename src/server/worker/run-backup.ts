import type { PlanConfig } from '../../contracts/config.ts';
import { partsOf } from '../../contracts/config-destinations.ts';
import { runHooksOf } from '../../contracts/config-hooks.ts';
import {
  asHoldfastError,
  type BackupType,
  type BackupWithCopies,
  backupToAll,
  type DestinationSpec,
  ERRORS,
  type ErrorCode,
  HoldfastError,
  isOfType,
  keyIdOf,
  type RunEnd,
  runWithHooks,
  type SourceSpec,
  typeOfKinds,
} from '../../engine/index.ts';
import { recordEvent } from '../catalog/events.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job, JobContext, JobError, JobOutcome } from '../jobs/port.ts';
import type { BackupPayload } from '../runs/request-backup.ts';
import { requestCopies, requestRotate } from '../runs/request-maintenance.ts';
import { countBackup } from '../schedule/drill-slots.ts';
import { engineProgress } from './engine-progress.ts';
import { enginePlan } from './plan-config.ts';
import type { BackupResult } from './port.ts';
import { artifactsText, recordBackup, recordCopy } from './record-backups.ts';
import { type RunConfig, type RunnerParts, runConfig, specsOf } from './runner-parts.ts';

/** One backup that a run makes. */
interface RunPart {
  readonly sources: readonly SourceSpec[];
  readonly type: BackupType;
  readonly specs: readonly DestinationSpec[];
  /** Sources of the plan that go to other places. */
  readonly apart: readonly string[];
}

interface Made {
  readonly part: RunPart;
  readonly outcome: BackupWithCopies;
  readonly startedAtMs: number;
  readonly keyId: string | null;
}

/**
 * Runs a plan: one backup, and one more for each set of destinations that sources are separated into. One that fails does not keep the
 * others from being made; the run succeeds when all are whole and copied everywhere.
 */
export async function runBackup(parts: RunnerParts, job: Job, context: JobContext): Promise<JobOutcome> {
  const payload = job.payload as BackupPayload;
  const run = await runConfig(parts);
  const name = enginePlan(payload.plan, payload.part);
  const plan = run.config.plans[name];
  if (!plan) throw new HoldfastError('plan_unknown', `there is no plan ${name} any more`);
  await recordStart(parts, job);
  const { result, failedHooks } = await runWithHooks({
    hooks: runHooksOf(plan.hooks, parts.workplace.environment ?? {}),
    ...{ plan: payload.plan, tenantId: plan.tenantId, signal: context.signal },
    ...{ progress: engineProgress(context), endOf: runEnd },
    work: () => backUp(parts, job, context, run, name),
  });
  return failedHooks.length > 0 && result.status === 'succeeded'
    ? { ...result, status: 'failed', reason: errorOf(failedHooks[0]) }
    : result;
}

async function backUp(
  parts: RunnerParts,
  job: Job,
  context: JobContext,
  run: RunConfig,
  name: string,
): Promise<JobOutcome> {
  const plan = run.config.plans[name]!;
  const made: Made[] = [];
  let failure: unknown = null;
  for (const part of await runParts(parts, run, plan, job.payload as BackupPayload)) {
    const startedAtMs = parts.catalog.clock.nowMs();
    try {
      const { ledgerHead } = parts;
      const request = {
        ...{ sources: part.sources, plan: name, tenantId: plan.tenantId, type: part.type, apart: part.apart },
        ...(ledgerHead ? { ledgerHead } : {}),
      };
      const port = { progress: engineProgress(context), signal: context.signal };
      const outcome = await backupToAll(request, part.specs, port);
      made.push({ part, startedAtMs, outcome, keyId: await keyIdAt(part.specs, outcome.destination) });
    } catch (error) {
      context.signal.throwIfAborted();
      failure ??= error;
      context.warn(asHoldfastError(error).message);
    }
  }
  if (made.length === 0) throw failure;
  return outcomeOf(parts, job, run, made, failure);
}

/** Of the key that a destination is written with; null for a passphrase, and where nothing is encrypted. Never rejects: the backup is made by then. */
async function keyIdAt(specs: readonly DestinationSpec[], name: string): Promise<string | null> {
  try {
    const options = await specs.find((spec) => spec.name === name)?.options();
    const [key] = options?.encryption === 'none' ? [] : (options?.keyTexts ?? []);
    return key === undefined ? null : keyIdOf(key);
  } catch {
    return null;
  }
}

/** For whoever watches that runs begin and end, such as ping addresses. */
async function recordStart({ catalog }: RunnerParts, job: Job): Promise<void> {
  await catalog.transaction((trx) =>
    recordEvent(trx, {
      ...{ kind: 'backup_started', atMs: catalog.clock.nowMs(), jobId: job.id },
      ...{ tenantId: job.tenantId, planId: job.planId, plan: job.plan },
      data: { part: job.part, attempt: job.attempt },
      dedupeKey: `started:${job.id}:${job.attempt}`,
    }),
  );
}

/** How a run ended, for its after-hooks. */
function runEnd(outcome: JobOutcome): RunEnd {
  const [first] = 'result' in outcome ? ((outcome.result as BackupResult).backups ?? []) : [];
  const backupId = first?.backupId ?? null;
  if (outcome.status === 'succeeded') return { status: 'succeeded', backupId, errorCode: null };
  const errorCode = outcome.reason.code as ErrorCode;
  if (errorCode === 'copy_missing') return { status: 'copy-missing', backupId, errorCode };
  return { status: errorCode === 'source_incomplete' ? 'incomplete' : outcome.status, backupId, errorCode };
}

async function runParts(
  parts: RunnerParts,
  { config }: RunConfig,
  plan: PlanConfig,
  payload: BackupPayload,
): Promise<RunPart[]> {
  const wanted = plan.sources.filter((source) => {
    const database = plan.databases?.[source];
    return database === undefined || (database.enabled && !payload.withoutParts);
  });
  const type = payload.type ?? plan.type;
  const found: RunPart[] = [];
  const placed = partsOf(config, plan);
  for (const { sources: names, destinations, apart } of placed) {
    if (destinations === null || destinations.length === 0) {
      throw new HoldfastError('config_invalid', `plan ${payload.plan} names no destination`);
    }
    const specs = await specsOf(
      parts,
      config,
      destinations.map(({ name }) => name),
    );
    const sources: SourceSpec[] = [];
    for (const name of names.filter(
      (source) => wanted.includes(source) && isOfType(config.sources[source]?.kind, type),
    )) {
      sources.push(await parts.workplace.source(config, name));
    }
    const own = placed.length > 1 && type === 'full' ? typeOfKinds(sources.map(({ kind }) => kind)) : type;
    if (sources.length > 0) found.push({ sources, specs, type: own, apart });
  }
  if (found.length === 0)
    throw new HoldfastError('config_invalid', `plan ${payload.plan} has no source of type ${type}`);
  return found;
}

function outcomeOf(
  parts: RunnerParts,
  job: Job,
  run: RunConfig,
  made: readonly Made[],
  failure: unknown,
): JobOutcome {
  const result: BackupResult = { backups: made.map(summaryOf) };
  const record = (trx: CatalogDb) => recordRun(trx, parts, job, run, made);
  const reason = failure === null ? reasonOf(made) : errorOf(failure);
  return reason === null
    ? { status: 'succeeded', result, record }
    : { status: 'failed', reason, result, record };
}

function summaryOf({ part, outcome }: Made): BackupResult['backups'][number] {
  return {
    backupId: outcome.backupId,
    status: outcome.status,
    sources: part.sources.map(({ name }) => name),
    bytesRead: outcome.bytesRead,
    bytesStored: outcome.bytesStored,
    durationMs: outcome.durationMs,
    destination: outcome.destination,
    missingCopies: missingIn(outcome),
    problems: outcome.problems.length,
  };
}

const missingIn = ({ copies }: BackupWithCopies) =>
  copies.filter(({ status }) => status === 'missing').map(({ destination }) => destination);

function errorOf(thrown: unknown): JobError {
  const { code, message, next } = asHoldfastError(thrown);
  return { code, message, next };
}

/** Why the run is no success although every backup was made; null when it is one. */
function reasonOf(made: readonly Made[]): JobError | null {
  const incomplete = made.find(({ outcome }) => outcome.status === 'incomplete');
  if (incomplete) {
    const count = incomplete.outcome.problems.length;
    return { ...named('source_incomplete'), message: `${count} entries could not be read` };
  }
  const missing = [...new Set(made.flatMap(({ outcome }) => missingIn(outcome)))];
  if (missing.length === 0) return null;
  return { ...named('copy_missing'), message: `no copy at ${missing.join(', ')}; it is made good later` };
}

const named = (code: 'source_incomplete' | 'copy_missing') => ({ code, next: ERRORS[code].next });

async function recordRun(
  trx: CatalogDb,
  { catalog, queue }: RunnerParts,
  job: Job,
  run: RunConfig,
  made: readonly Made[],
): Promise<void> {
  for (const one of made) await recordMade(trx, job, run, one);
  if (job.plan === null) return;
  const about = { plan: job.plan, planId: job.planId, tenantId: job.tenantId, label: job.label };
  await requestRotate(trx, queue, about);
  if (job.planId !== null) await countBackup(trx, queue, job.planId);
  if (made.some(({ outcome }) => outcome.status === 'copy-missing')) {
    await requestCopies(trx, queue, about, { job: job.id, atMs: catalog.clock.nowMs() });
  }
}

async function recordMade(trx: CatalogDb, job: Job, run: RunConfig, made: Made): Promise<void> {
  const { part, outcome, startedAtMs, keyId } = made;
  await recordBackup(trx, {
    id: outcome.backupId,
    plan: job.plan,
    plan_id: job.planId,
    part: job.part,
    tenant_id: job.tenantId,
    type: part.type,
    status: outcome.status === 'incomplete' ? 'incomplete' : 'succeeded',
    started_at: startedAtMs,
    finished_at: startedAtMs + outcome.durationMs,
    size_bytes: outcome.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    stored_bytes: outcome.bytesStored,
    artifacts: artifactsText(outcome.artifacts),
    job_id: job.id,
    key_id: keyId,
  });
  for (const copy of outcome.copies) {
    const isThere = copy.status !== 'missing';
    await recordCopy(trx, {
      backup_id: outcome.backupId,
      destination_id: run.destinationIds.get(copy.destination) ?? copy.destination,
      state: isThere ? 'present' : 'failed',
      seen_at: startedAtMs + outcome.durationMs,
      copied_at: isThere ? startedAtMs + outcome.durationMs : null,
      error: isThere ? null : (copy.failures[0]?.message ?? 'it could not be copied'),
    });
  }
}
