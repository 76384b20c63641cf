import { answers, pageOf } from '../../../contracts/api/common.ts';
import { job, jobQuery, restoreAnswer, restoreRequest } from '../../../contracts/api/runs.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { listJobs } from '../../history/jobs.ts';
import { PRIORITY } from '../../jobs/port.ts';
import type { RestorePayload } from '../../restores/run-restore.ts';
import { destinationsHolding, requireBackup } from '../backup-list.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { jobPayload } from '../payloads.ts';

export function addRestoreRoutes(app: App, context: ServerContext): void {
  const { catalog, queue } = context;
  const tags = ['backups'];
  app.route({
    method: 'POST',
    url: '/api/v1/restores',
    // Not by roles in tenants: a target is a path or a database of this machine.
    config: { access: { permission: 'backups:restore', dangerous: true } },
    schema: {
      tags,
      summary: 'Restore a backup',
      body: restoreRequest,
      response: answers(restoreAnswer, 202),
    },
    handler: async (request, reply) => {
      requireProductionSwitch();
      const { backup_id: backupId, item, to } = request.body;
      const known = await requireBackup(catalog.db, backupId);
      const payload: RestorePayload = {
        ...{ backupId, item: item ?? null, to },
        destinations: await destinationsHolding(catalog.db, backupId),
      };
      request.tenantId = known.tenant_id;
      const { job: made } = await queue.enqueue({
        ...{ kind: 'restore', payload, tenantId: known.tenant_id, planId: known.plan_id, plan: known.plan },
        priority: PRIORITY.restore,
        // What half succeeded is looked at by a person before it is done again.
        maxAttempts: 1,
        concurrencyKey: `restore:${to}`,
      });
      return reply.code(202).send({ job_id: made.id, status: made.status });
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
      response: answers(pageOf(job)),
    },
    handler: async (request) => {
      const { limit, after } = request.query;
      const filter = { kind: 'restore' as const, visible: visibleTenants(request) };
      const { items, next } = await listJobs(catalog.db, filter, { limit, after: after ?? null });
      return { items: items.map(jobPayload), next };
    },
  });
}

/** Promise X1: in production a restore needs a word of whoever runs the server, too. */
function requireProductionSwitch(): void {
  const { NODE_ENV, HOLDFAST_ENVIRONMENT, CONFIRM_RESTORE_IN_PROD } = process.env;
  const isProduction = [NODE_ENV, HOLDFAST_ENVIRONMENT].includes('production');
  if (!isProduction || CONFIRM_RESTORE_IN_PROD === 'true') return;
  throw new HoldfastError('not_confirmed', 'this is production, and restoring here was not confirmed', {
    next: 'start the server with CONFIRM_RESTORE_IN_PROD=true',
  });
}
