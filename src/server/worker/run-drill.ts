import { readFile } from 'node:fs/promises';
import type { Config, PlanConfig } from '../../contracts/config.ts';
import { partsOf } from '../../contracts/config-destinations.ts';
import { drillSettings } from '../../contracts/config-drill.ts';
import {
  asHoldfastError,
  type DestinationSpec,
  type DrillAmongRequest,
  type DrillOutcome,
  type DrillReport,
  drillAmong,
  ERRORS,
  failedDrill,
  HoldfastError,
} from '../../engine/index.ts';
import type { Job, JobContext, JobError, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from './engine-progress.ts';
import { enginePlan } from './plan-config.ts';
import type { DrillPayload, DrillResult } from './port.ts';
import { recordDrill } from './record-drill.ts';
import { type RunnerParts, runConfig, specsOf } from './runner-parts.ts';

/**
 * Rehearses a recovery. The job succeeds when the drill is green. One that cannot run, for whatever reason, is red, with evidence
 * where this machine can make some.
 */
export async function runDrill(parts: RunnerParts, job: Job, context: JobContext): Promise<JobOutcome> {
  const startedAtMs = parts.catalog.clock.nowMs();
  const payload = job.payload as DrillPayload;
  try {
    const request = await drillRequest(parts, job).catch((error: unknown) => ({ error }));
    context.signal.throwIfAborted();
    const outcome =
      'error' in request
        ? await failedDrill({
            ...{ ...parts.workplace.evidence, plan: job.plan, tenantId: job.tenantId },
            ...{ destination: 'none', error: request.error, isTrial: payload.checks !== null },
          })
        : await drillAmong(request, { progress: engineProgress(context), signal: context.signal });
    return await ended(job, outcome);
  } catch (error) {
    context.signal.throwIfAborted();
    const { code, message, next } = asHoldfastError(error);
    const reason: JobError = { code, message, next };
    const finishedAtMs = parts.catalog.clock.nowMs();
    return {
      ...{ status: 'failed', reason, result: null },
      record: (trx) => recordDrill(trx, job, { startedAtMs, finishedAtMs, failure: reason }),
    };
  }
}

async function ended(job: Job, outcome: DrillOutcome): Promise<JobOutcome> {
  const { report, sha256 } = outcome;
  const evidence = {
    document: await readFile(outcome.documentFile, 'utf8'),
    page: await readFile(outcome.pageFile, 'utf8'),
  };
  const result: DrillResult = {
    ...{ drillId: report.drillId, result: report.result, backupId: report.backup?.id ?? null },
    ...{ rtoMs: report.rtoMs, rpoMs: report.rpoMs, evidenceSha256: sha256 },
    isTrial: (job.payload as DrillPayload).checks !== null,
    redChecks: redOf(report).map(({ name }) => name),
  };
  const record = (trx: Parameters<typeof recordDrill>[0]) => recordDrill(trx, job, { outcome, evidence });
  if (report.result === 'green') return { status: 'succeeded', result, record };
  return { status: 'failed', reason: reasonOf(report), result, record };
}

const redOf = ({ checks }: DrillReport) => checks.filter(({ status }) => status === 'red');

const CHECKS_NAMED = 3;

function reasonOf(report: DrillReport): JobError {
  if (report.failure) return report.failure;
  const red = redOf(report);
  const named = red.slice(0, CHECKS_NAMED).map(({ name, detail }) => `${name}: ${detail}`);
  const more = red.length > CHECKS_NAMED ? `; and ${red.length - CHECKS_NAMED} more` : '';
  return { code: 'drill_failed', message: `${named.join('; ')}${more}`, next: ERRORS.drill_failed.next };
}

async function drillRequest(parts: RunnerParts, job: Job): Promise<DrillAmongRequest> {
  const { workplace } = parts;
  const payload = job.payload as DrillPayload;
  const { config, planIds } = await runConfig(parts);
  const name = payload.plan === null ? null : enginePlan(payload.plan, payload.part);
  // A plan of that name may be somebody else's: its checks are not for this backup, and not for whoever asked.
  const isOwn = payload.plan !== null && job.planId !== null && planIds.get(payload.plan) === job.planId;
  const plan = name !== null && isOwn ? config.plans[name] : undefined;
  const common = {
    ...{ plan: name, tenantId: job.tenantId, ...workplace.evidence },
    ...{ backupId: payload.backupId ?? 'latest', untrusted: false, isTrial: payload.checks !== null },
  };
  if (!plan) return withoutPlan(parts, config, payload, common);
  const places = await placesOf(parts, config, plan, payload);
  const drilled = withChecks(plan, payload);
  const needs = await workplace.drill(config, drilled);
  const expected = needs.expected
    .filter((one) => places.sources === null || places.sources.includes(one.name))
    .map((one) => (plan.databases?.[one.name]?.enabled === false ? { ...one, mayLack: true } : one));
  return { ...common, ...needs, ...places.among, expected };
}

/** A database with its own hour is drilled with the checks that ask it; all others need what is not in its backup. */
function withChecks(plan: PlanConfig, { part, checks: own }: DrillPayload): PlanConfig {
  if (own !== null) return { ...plan, drill: { ...EMPTY, ...plan.drill, checks: own } };
  if (part === null || !plan.drill) return plan;
  const checks = plan.drill.checks.filter((check) => check.kind === 'sql' && check.source === part);
  return { ...plan, drill: { ...plan.drill, checks } };
}

const EMPTY: NonNullable<PlanConfig['drill']> = {
  ...{ postgres: { programs: [] }, network: 'none', mayBeEmpty: [], checks: [] },
};

/** Of a backup whose plan is gone: whatever it holds. */
async function withoutPlan(
  parts: RunnerParts,
  config: Config,
  { plan, backupId, destinations, checks }: DrillPayload,
  common: Pick<
    DrillAmongRequest,
    'plan' | 'tenantId' | 'backupId' | 'untrusted' | 'stateFolder' | 'signingKeyFile'
  >,
): Promise<DrillAmongRequest> {
  if (backupId === null) throw new HoldfastError('plan_unknown', `there is no plan ${plan} any more`);
  const specs = await specsOf(parts, config, destinations);
  if (specs.length === 0) throw noCopy(backupId);
  const settings = drillSettings({ ...EMPTY, checks: checks ?? [] }, null) as DrillAmongRequest['settings'];
  return { ...common, specs, others: [], settings, sources: [], expected: [] };
}

const noCopy = (id: string) =>
  new HoldfastError('id_unknown', `no destination holds the backup ${id} any more`);

interface Places {
  readonly among: Pick<DrillAmongRequest, 'specs' | 'others' | 'plan'>;
  /** What is to be there; null for all of the plan. */
  readonly sources: readonly string[] | null;
}

/**
 * Where everything of a recovery lies: copies of the plan's backups, of what is separated from them, and of databases that
 * make backups of their own. A certain backup of such a part is drilled alone.
 */
async function placesOf(
  parts: RunnerParts,
  config: Config,
  plan: PlanConfig,
  { plan: name, part, backupId, destinations }: DrillPayload,
): Promise<Places> {
  const specsAt = async (names: readonly string[]): Promise<DestinationSpec[]> => {
    const specs = await specsOf(parts, config, names);
    if (specs.length > 0) return specs;
    throw backupId === null
      ? new HoldfastError('config_invalid', `plan ${name} names no destination`)
      : noCopy(backupId);
  };
  const placed = partsOf(config, plan).map((one) => ({
    sources: one.sources,
    names: (one.destinations ?? []).map((at) => at.name),
  }));
  const holds = (one: (typeof placed)[number]) =>
    backupId === null || one.names.some((at) => destinations.includes(at));
  const main = placed.find(holds);
  const engineName = enginePlan(name!, part);
  if (main === undefined || main !== placed[0] || part !== null) {
    const specs = await specsAt(backupId === null ? (main?.names ?? []) : destinations);
    return { among: { specs, others: [], plan: engineName }, sources: main?.sources ?? [] };
  }
  const others: DrillAmongRequest['others'][number][] = [];
  for (const one of placed.slice(1)) {
    others.push({ specs: await specsAt(one.names), sources: one.sources });
  }
  const own = ownHours(plan);
  for (const { source } of own) {
    const { names } = placed.find(({ sources }) => sources.includes(source))!;
    others.push({ specs: await specsAt(names), part: { source, plan: enginePlan(name!, source) } });
  }
  const specs = await specsAt(backupId === null ? main.names : destinations);
  const isAllOwn = plan.sources.every((source) => plan.databases?.[source] !== undefined);
  if (!isAllOwn || backupId !== null || others.length === 0) {
    return { among: { specs, others, plan: engineName }, sources: null };
  }
  // No backup is of the plan itself: the first of its databases stands for it.
  const [first, ...rest] = others;
  return { among: { specs: first!.specs, others: rest, plan: first!.part!.plan }, sources: null };
}

const ownHours = (plan: PlanConfig) =>
  Object.entries(plan.databases ?? {}).flatMap(([source, { enabled }]) => (enabled ? [{ source }] : []));
