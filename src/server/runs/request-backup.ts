/**
 * How a run of a plan is asked for, whoever asks: it becomes a job, and the request and its outcome stay in the trigger history.
 */
import type { PlanConfig } from '../../contracts/config.ts';
import { type BackupType, HoldfastError, MINUTE_MS, newId } from '../../engine/index.ts';
import type { TriggersTable } from '../catalog/tables/jobs.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { StoredDocument } from '../configuration/documents.ts';
import { settingValues } from '../configuration/settings.ts';
import { type Job, type JobQueue, PRIORITY } from '../jobs/port.ts';

/** What a `backup` job carries. The plan is read when the job runs. */
export interface BackupPayload {
  readonly plan: string;
  /** A database of the plan; null for the plan's sources. */
  readonly part: string | null;
  /** True leaves out databases with an hour of their own. */
  readonly withoutParts: boolean;
  readonly type: BackupType | null;
}

export interface BackupAsked {
  readonly plan: StoredDocument<'plan'>;
  readonly part?: string | null;
  readonly type?: BackupType | null;
  readonly via: TriggersTable['via'];
  readonly requestedBy: string | null;
  readonly atMs: number;
  /** Of whoever asks, in their own space of keys: the same one twice is one run. */
  readonly idempotencyKey?: string | null;
  /** Of the schedule. */
  readonly slotAtMs?: number;
}

export interface BackupAnswer {
  readonly triggerId: string;
  readonly job: Job;
  /** False when the same was asked for before, or is queued or running: then `job` is that one. */
  readonly created: boolean;
}

/** Asks for a run in this transaction. Throws `config_invalid` for a part that the plan does not have. */
export async function requestBackup(
  trx: CatalogDb,
  queue: JobQueue,
  asked: BackupAsked,
): Promise<BackupAnswer> {
  const { plan, via } = asked;
  const part = asked.part ?? null;
  const sources = sourcesOf(plan, part, via === 'schedule');
  const settings = await settingValues(trx, plan.tenantId);
  const minutes = plan.body.hangingAfterMinutes ?? settings['runs.hangingAfterMinutes'];
  const payload: BackupPayload = {
    plan: plan.name,
    part,
    withoutParts: via === 'schedule' && part === null,
    type: asked.type ?? null,
  };
  const { job, created } = await queue.enqueue(
    {
      kind: 'backup',
      payload,
      tenantId: plan.tenantId,
      planId: plan.id,
      plan: plan.name,
      part,
      label: plan.body.label ?? null,
      priority: via === 'schedule' ? PRIORITY.scheduled : PRIORITY.requested,
      // Two plans with the same single source do not read it at the same time.
      concurrencyKey: sources.length === 1 ? `source:${sources[0]}` : `plan:${plan.id}`,
      singletonKey: ['backup', plan.id, part ?? '', asked.type ?? ''].join(':'),
      idempotencyKey: asked.idempotencyKey ?? null,
      slotAtMs: asked.slotAtMs ?? null,
      hangingAfterMs: minutes * MINUTE_MS,
    },
    trx,
  );
  const triggerId = await recordTrigger(trx, asked, {
    outcome: created ? 'accepted' : 'duplicate',
    message: created ? null : `the run ${job.id} is ${job.status} already`,
    jobId: job.id,
  });
  return { triggerId, job, created };
}

function sourcesOf(plan: StoredDocument<'plan'>, part: string | null, isScheduled: boolean): string[] {
  const { sources, databases }: PlanConfig = plan.body;
  if (part === null) return sources.filter((source) => !isScheduled || databases?.[source] === undefined);
  if (databases?.[part]) return [part];
  throw new HoldfastError('config_invalid', `plan ${plan.name} has no database ${part} with its own hour`);
}

/** Keeps what was asked for and what became of it. Also for a request that was refused. */
export async function recordTrigger(
  trx: CatalogDb,
  {
    plan,
    part,
    type,
    via,
    requestedBy,
    atMs,
  }: Omit<BackupAsked, 'plan'> & { plan: StoredDocument<'plan'> | null },
  result: { outcome: TriggersTable['outcome']; message: string | null; jobId: string | null },
): Promise<string> {
  const id = newId(atMs);
  await trx
    .insertInto('triggers')
    .values({
      ...{ id, at: atMs, via, requested_by: requestedBy },
      tenant_id: plan?.tenantId ?? null,
      plan_id: plan?.id ?? null,
      plan: plan?.name ?? null,
      part: part ?? null,
      type: type ?? plan?.body.type ?? null,
      outcome: result.outcome,
      message: result.message,
      job_id: result.jobId,
    })
    .execute();
  return id;
}
