/** Routes that stand at several addresses: in the versioned interface, on the backups page, and by tenant and type. */
import { triggerRequest } from '../../../contracts/api/administration.ts';
import { answers, pageOf } from '../../../contracts/api/common.ts';
import {
  backup,
  backupParam,
  backupQuery,
  downloadQuery,
  runAnswer,
  triggerQuery,
  trigger as triggerSchema,
} from '../../../contracts/api/runs.ts';
import { listBackups, requireBackup } from '../backup-list.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { sendBundle } from '../download.ts';
import type { TenantOf } from '../route-access.ts';
import { trigger } from '../trigger.ts';
import { triggerHistory } from '../trigger-history.ts';
import { requireTenant } from './settings.ts';

/** Where a route stands, and how it is described there. */
export interface Place {
  readonly url: string;
  readonly tags: string[];
  readonly summary: string;
}

export const tenantOfBackup: TenantOf = async (request, { catalog }) =>
  (await requireBackup(catalog.db, (request.params as { id: string }).id)).tenant_id;

export function addBackupList(app: App, { catalog }: ServerContext, { url, ...described }: Place): void {
  app.route({
    method: 'GET',
    url,
    config: { access: { permission: 'backups:read', tenant: 'visible' } },
    schema: { ...described, querystring: backupQuery, response: answers(pageOf(backup)) },
    handler: async (request) => listBackups(catalog.db, visibleTenants(request), request.query),
  });
}

export function addDownload(app: App, context: ServerContext, { url, tags }: Omit<Place, 'summary'>): void {
  app.route({
    method: 'GET',
    url,
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
}

/** `knownTenant`: a tenant that is named must be known. */
export function addTrigger(
  app: App,
  context: ServerContext,
  { url, knownTenant, ...described }: Place & { readonly knownTenant: boolean },
): void {
  app.route({
    method: 'POST',
    url,
    // The plan says whose it is; `trigger` looks only among those the caller may run.
    config: { access: { permission: 'backups:trigger', tenant: 'visible' } },
    schema: { ...described, body: triggerRequest, response: answers(runAnswer, 202) },
    handler: async (request, reply) => {
      const { plan = null, tenant_id: tenantId, part = null, type = null } = request.body;
      if (knownTenant) await requireTenant(context, tenantId ?? null);
      return reply.code(202).send(await trigger(request, context, { plan, tenantId, part, type }));
    },
  });
}

export function addTriggerHistory(app: App, context: ServerContext, { url, ...described }: Place): void {
  app.route({
    method: 'GET',
    url,
    config: { access: { permission: 'jobs:read', tenant: 'visible' } },
    schema: { ...described, querystring: triggerQuery, response: answers(pageOf(triggerSchema)) },
    handler: async (request) => triggerHistory(context, visibleTenants(request), request.query),
  });
}
