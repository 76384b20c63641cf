import { z } from 'zod';
import { answers, pageOf } from '../../../contracts/api/common.ts';
import {
  backup,
  backupDetail as backupDetailSchema,
  backupParam,
  backupQuery,
  downloadQuery,
  job,
  jobQuery,
  restoreAnswer,
  restoreRequest,
} from '../../../contracts/api/runs.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { jobOf } from '../../jobs/job-rows.ts';
import { PRIORITY } from '../../jobs/port.ts';
import type { RestorePayload } from '../../restores/run-restore.ts';
import { rebuildCatalog } from '../../worker/rebuild-catalog.ts';
import { backupDetail, destinationsHolding, listBackups, requireBackup } from '../backup-list.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { sendBundle } from '../download.ts';
import { pageOf as page } from '../page-of.ts';
import { jobPayload } from '../payloads.ts';
import type { TenantOf } from '../route-access.ts';

export const tenantOfBackup: TenantOf = async (request, { catalog }) =>
  (await requireBackup(catalog.db, (request.params as { id: string }).id)).tenant_id;

export function addBackupRoutes(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['backups'];
  app.route({
    method: 'GET',
    url: '/api/v1/backups',
    config: { access: { permission: 'backups:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Backups, newest first',
      querystring: backupQuery,
      response: answers(pageOf(backup)),
    },
    handler: async (request) =>
      listBackups(catalog.db, visibleTenants(request), {
        ...request.query,
        archived: request.query.archived === 'true',
      }),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/backups/:id',
    config: { access: { permission: 'backups:read', tenant: tenantOfBackup } },
    schema: { tags, summary: 'One backup', params: backupParam, response: answers(backupDetailSchema) },
    handler: async (request) => backupDetail(catalog.db, request.params.id),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/backups/:id/download',
    config: {
      access: { permission: 'backups:download', tenant: tenantOfBackup, dangerous: true },
      recorded: true,
    },
    schema: {
      tags,
      summary: 'A backup as one encrypted bundle',
      params: backupParam,
      querystring: downloadQuery,
      produces: ['application/octet-stream'],
    },
    handler: async (request, reply) =>
      sendBundle(context, reply, request.params.id, request.query.compression),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/backups/refresh',
    config: { access: { permission: 'plans:write' } },
    schema: {
      tags,
      summary: 'Read again what the destinations hold',
      response: answers(z.object({ destinations: z.array(z.object({ destination: z.string() }).loose()) })),
    },
    handler: async () => {
      const found = await rebuildCatalog(context, { signal: new AbortController().signal });
      return { destinations: found.map((one) => ({ ...one })) };
    },
  });
  addRestores(app, context);
}

function addRestores(app: App, context: ServerContext): void {
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
      const visible = visibleTenants(request);
      let query = catalog.db.selectFrom('jobs').selectAll().where('kind', '=', 'restore');
      if (after !== undefined) query = query.where('id', '<', after);
      if (visible !== null) query = query.where('tenant_id', 'in', visible.length > 0 ? [...visible] : ['']);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return page(
        rows.map((row) => jobPayload(jobOf(row))),
        limit,
        ({ id }) => id,
      );
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
