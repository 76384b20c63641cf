import type { z } from 'zod';
import { answers, isoOrNull, listOf, pageOf } from '../../../contracts/api/common.ts';
import {
  restoreJob,
  restorePlan,
  restorePlanRequest,
  restoreRequest,
  switched,
  switchRequest,
} from '../../../contracts/api/restores.ts';
import { jobQuery, restoreAnswer } from '../../../contracts/api/runs.ts';
import { HoldfastError, listSwitches, silentProgress } from '../../../engine/index.ts';
import { storedConfig } from '../../configuration/documents.ts';
import { listJobs } from '../../history/jobs.ts';
import { type Job, PRIORITY } from '../../jobs/port.ts';
import { planRestore } from '../../restores/plan-restore.ts';
import { isDatabase, publicTarget } from '../../restores/restore-target.ts';
import type { RestorePayload } from '../../restores/run-restore.ts';
import type { SwitchPayload } from '../../restores/run-switch.ts';
import { destinationsHolding, requireBackup } from '../backup-list.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { whileWaiting } from '../copies.ts';
import { jobPayload } from '../payloads.ts';
import { RequestProblem } from '../problem.ts';
import { redact } from '../redact.ts';

const tags = ['backups'];

/** Not by roles in tenants: a target is a path or a database of this machine. */
const RESTORE = { permission: 'backups:restore' } as const;

export function addRestoreRoutes(app: App, context: ServerContext): void {
  const { catalog, queue } = context;
  app.route({
    method: 'POST',
    url: '/api/v1/restores',
    config: { access: { ...RESTORE, dangerous: true } },
    schema: {
      tags,
      summary: 'Restore a backup, or an artifact, table, file or tenant of it',
      body: restoreRequest,
      response: answers(restoreAnswer, 202),
    },
    handler: async (request, reply) => {
      requireProductionSwitch(context);
      const { body } = request;
      if (body.plan_only && body.tenant === undefined) {
        throw new RequestProblem([
          { field: 'plan_only', message: 'is for a tenant; else see /api/v1/restores/plan' },
        ]);
      }
      const { tenant_id: tenantId, plan_id: planId, plan } = await requireBackup(catalog.db, body.backup_id);
      const payload: RestorePayload = {
        ...(await wantedOf(context, body)),
        ...{ graceMs: body.grace_seconds * 1000, planOnly: body.plan_only },
      };
      request.tenantId = tenantId;
      request.about = aboutOf(body);
      const { job } = await queue.enqueue({
        ...{ kind: 'restore', payload, tenantId, planId, plan, priority: PRIORITY.restore },
        // What half succeeded is looked at by a person before it is done again.
        maxAttempts: 1,
        concurrencyKey: `restore:${body.to}`,
      });
      return reply.code(202).send({ job_id: job.id, status: job.status });
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/restores/plan',
    config: { access: RESTORE },
    schema: {
      tags,
      summary: 'What a restore would do and what it would overwrite, in words and numbers',
      description:
        'Nothing is changed. For a tenant, a job with plan_only tells which rows would change: the dump is loaded aside for that.',
      body: restorePlanRequest,
      response: answers(restorePlan),
    },
    handler: async (request, reply) => {
      request.tenantId = (await requireBackup(catalog.db, request.body.backup_id)).tenant_id;
      const wanted = await wantedOf(context, request.body);
      request.about = aboutOf(request.body);
      return planPayload(await whileWaiting(reply, (signal) => planRestore(context, wanted, signal)));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/restores',
    config: { access: { permission: 'jobs:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Restores, newest first',
      querystring: jobQuery.pick({ limit: true, after: true }),
      response: answers(pageOf(restoreJob)),
    },
    handler: async (request) => {
      const { limit, after } = request.query;
      const filter = { kind: 'restore' as const, visible: visibleTenants(request) };
      const { items, next } = await listJobs(catalog.db, filter, { limit, after: after ?? null });
      return { items: items.map((job) => ({ ...jobPayload(job), request: requestOf(job) })), next };
    },
  });
  addSwitches(app, context);
}

/** For the record. */
function aboutOf({ backup_id, item, to, mode, tenant }: z.output<typeof restorePlanRequest>) {
  return {
    backup_id,
    to,
    mode,
    ...(item === undefined ? {} : { item }),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

/**
 * What is asked for stands in jobs, events and the ledger, which keep no passwords: those are of stored sources. Nothing of what was
 * given is repeated. `isKnown`: what else may be named.
 */
async function requireTarget({ catalog }: ServerContext, to: string, isKnown: boolean): Promise<void> {
  if (isKnown || /^\/[^\0]*$/.test(to)) return;
  if (Object.hasOwn((await storedConfig(catalog.db)).sources, to)) return;
  throw new RequestProblem([{ field: 'to', message: 'is neither a stored source nor an absolute path' }]);
}

/** As the list of exchanges names a database. */
const isListed = (to: string) => isDatabase(to) && publicTarget(to) === to && redact(to) === to;

async function wantedOf(context: ServerContext, body: z.output<typeof restorePlanRequest>) {
  const { catalog } = context;
  const { backup_id: backupId, item = null, to, mode, tenant = null, safety_backup: safetyBackup } = body;
  if (tenant !== null && mode === 'beside') {
    throw new RequestProblem([
      { field: 'mode', message: 'is safe for a tenant: all others stay as they are' },
    ]);
  }
  await requireTarget(context, to, false);
  const destinations = await destinationsHolding(catalog.db, backupId);
  return { backupId, item, to, mode, tenant, safetyBackup, destinations };
}

function planPayload(plan: Awaited<ReturnType<typeof planRestore>>): z.input<typeof restorePlan> {
  const { backupId, safetyBackup, there, steps, ...rest } = plan;
  const { kind, sizeBytes, entries, tables, rows, isMore } = there;
  return {
    ...rest,
    ...{ backup_id: backupId, safety_backup: safetyBackup, target: redact(plan.target) },
    steps: steps.map(({ sizeBytes: size, inside: _, ...step }) => ({
      ...step,
      size_bytes: size,
      target: redact(step.target),
    })),
    there: { kind, size_bytes: sizeBytes, entries, tables, rows, more: isMore },
    words: plan.words.map(redact),
    obstacles: plan.obstacles.map(redact),
  };
}

function requestOf({ payload }: Job): z.input<typeof restoreJob>['request'] {
  const given = payload as Partial<RestorePayload & SwitchPayload>;
  const isRestore = given.action === undefined;
  return {
    ...{ action: given.action ?? 'restore', to: redact(given.to ?? ''), item: given.item ?? null },
    ...{ backup_id: given.backupId ?? null, mode: isRestore ? (given.mode ?? 'safe') : null },
    ...{ tenant: given.tenant ?? null, plan_only: given.planOnly ?? false },
  };
}

function addSwitches(app: App, context: ServerContext): void {
  const { queue, settings } = context;
  app.route({
    method: 'GET',
    url: '/api/v1/restores/switches',
    config: { access: RESTORE },
    schema: {
      tags,
      summary: 'What restores on this machine replaced, and where it is kept',
      response: answers(listOf(switched)),
    },
    handler: async () => {
      const found = await listSwitches(`${settings.home}/state`, silentProgress);
      return {
        items: found.map((one) => ({
          ...{ target: redact(one.target), kind: one.kind, state: one.state, backup_id: one.backupId },
          ...{ safety_backup_id: one.safetyBackupId, kept_at: one.keptAt, is_there: one.isThere },
          started_at: one.startedAt,
          switched_at: isoOrNull(one.switchedAt === null ? null : Date.parse(one.switchedAt)),
        })),
      };
    },
  });
  for (const [action, summary] of [
    ['switch-back', 'Put back what a restore replaced; what was restored is kept instead'],
    ['drop-old', 'Remove what a restore left beside the target, for good'],
  ] as const) {
    app.route({
      method: 'POST',
      url: `/api/v1/restores/${action}`,
      config: { access: { ...RESTORE, dangerous: true } },
      schema: { tags, summary, body: switchRequest, response: answers(restoreAnswer, 202) },
      handler: async (request, reply) => {
        requireProductionSwitch(context);
        const { to, grace_seconds: grace } = request.body;
        await requireTarget(context, to, isListed(to));
        request.about = { target: redact(to) };
        const payload: SwitchPayload = { action, to, graceMs: grace * 1000 };
        const { job } = await queue.enqueue({
          ...{ kind: 'restore', payload, priority: PRIORITY.restore, maxAttempts: 1 },
          concurrencyKey: `restore:${to}`,
        });
        return reply.code(202).send({ job_id: job.id, status: job.status });
      },
    });
  }
}

/** Promise X1: in production a restore needs a word of whoever runs the server, too. */
function requireProductionSwitch({ settings }: ServerContext): void {
  if (settings.mayReplace) return;
  throw new HoldfastError('not_confirmed', 'this is production, and restoring here was not confirmed', {
    next: 'start the server with CONFIRM_RESTORE_IN_PROD=true',
  });
}
