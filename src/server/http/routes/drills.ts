/** Restore drills: asked for, listed, shown, and their evidence. */
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { answers, isoOrNull, listOf, pageOf } from '../../../contracts/api/common.ts';
import {
  drill,
  drillAnswer,
  drillDetail,
  drillParam,
  drillPlan,
  drillQuery,
  drillRequest,
  evidenceQuery,
} from '../../../contracts/api/drills.ts';
import { HOUR_MS, HoldfastError } from '../../../engine/index.ts';
import { drillPlans } from '../../history/drill-plans.ts';
import { evidenceOf, listDrills, requireDrill, trendUntil } from '../../history/drills.ts';
import { askDrill, tenantOfDrilled } from '../ask-drill.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { drillDetailPayload, drillPayload } from '../drill-payloads.ts';
import type { TenantOf } from '../route-access.ts';

const tenantOfDrill: TenantOf = async (request, { catalog }) =>
  (await requireDrill(catalog.db, (request.params as { id: string }).id)).tenantId;

const tags = ['drills'];

export function addDrillRoutes(app: App, context: ServerContext): void {
  const { catalog } = context;
  app.route({
    method: 'POST',
    url: '/api/v1/drills',
    config: { access: { permission: 'backups:trigger', tenant: tenantOfDrilled } },
    schema: {
      tags,
      summary: 'Rehearse a recovery now',
      description:
        'Of the newest backup of a plan, or of one backup. The job ends as succeeded when the drill is green, as failed when it is red; its result names the drill. With an Idempotency-Key, sending it again gives the same drill. Checks of its own, which run commands, need the permission `plans:write` everywhere.',
      body: drillRequest,
      response: answers(drillAnswer, 202),
    },
    handler: async (request, reply) => reply.code(202).send(await askDrill(request, context)),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/drills',
    config: { access: { permission: 'backups:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Drills, newest first',
      querystring: drillQuery,
      response: answers(pageOf(drill)),
    },
    handler: async (request) => {
      const { limit, after, tenant_id, plan, backup_id: backupId, result, trial } = request.query;
      const visible = visibleTenants(request);
      const wanted =
        tenant_id === undefined ? visible : [tenant_id].filter((one) => visible?.includes(one) ?? true);
      const { items, next } = await listDrills(
        catalog.db,
        { tenants: wanted, plan, backupId, result, ...(trial && { isTrial: trial === 'true' }) },
        { limit, after: after ?? null },
      );
      return { items: items.map(drillPayload), next };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/drills/plans',
    config: { access: { permission: 'backups:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'How plans stand with their drills',
      response: answers(listOf(drillPlan)),
    },
    handler: async (request) => {
      const visible = visibleTenants(request);
      const nowMs = catalog.clock.nowMs();
      const plans = (await drillPlans(catalog)).filter(
        ({ tenantId }) => visible === null || (tenantId !== null && visible.includes(tenantId)),
      );
      return {
        items: plans.map(({ plan, tenantId, schedule, last, green, ...one }) => ({
          ...{ plan, tenant_id: tenantId, schedule, time_zone: one.timeZone },
          ...{ after_backups: one.afterBackups, backups_since: one.backupsSince },
          ...{ next_due_at: isoOrNull(one.nextDueAtMs), overdue: one.isOverdue },
          last_drill: last && drillPayload(last),
          last_proven_at: isoOrNull(green?.finishedAtMs ?? null),
          hours_since_proven_restore: green && Math.round(((nowMs - green.finishedAtMs) / HOUR_MS) * 10) / 10,
        })),
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/drills/:id',
    config: { access: { permission: 'backups:read', tenant: tenantOfDrill } },
    schema: { tags, summary: 'One drill', params: drillParam, response: answers(drillDetail) },
    handler: async (request) => {
      const found = await requireDrill(catalog.db, request.params.id);
      const trend = await trendUntil(catalog.db, found);
      return drillDetailPayload(found, await evidenceOf(catalog.db, found.id), trend);
    },
  });
  addEvidenceRoutes(app, context);
}

function addEvidenceRoutes(app: App, { catalog }: ServerContext): void {
  const config = { access: { permission: 'backups:read', tenant: tenantOfDrill }, recorded: true } as const;
  const evidence = async (id: string) => {
    const found = await evidenceOf(catalog.db, id);
    if (!found) throw new HoldfastError('id_unknown', `there is no evidence of the drill ${id}`);
    return found;
  };
  app.route({
    method: 'GET',
    url: '/api/v1/drills/:id/evidence.json',
    config,
    schema: {
      tags,
      summary: 'The signed document, byte for byte: `holdfast evidence verify` checks it',
      params: drillParam,
      querystring: evidenceQuery,
      produces: ['application/json'],
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const { document } = await evidence(id);
      if (request.query.download === 'true') asFile(reply, `drill-${id}.json`);
      return sendText(reply.type('application/json; charset=utf-8'), document);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/drills/:id/evidence.html',
    config,
    schema: {
      tags,
      summary: 'The signed page, byte for byte: without scripts, nothing is loaded',
      params: drillParam,
      querystring: evidenceQuery,
      produces: ['text/html'],
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const { page } = await evidence(id);
      if (request.query.download === 'true') asFile(reply, `drill-${id}.html`);
      reply.header('content-security-policy', policyOf(page));
      return sendText(reply.type('text/html; charset=utf-8'), page);
    },
  });
}

const asFile = (reply: FastifyReply, name: string) =>
  reply.header('content-disposition', `attachment; filename="${name}"`);

/** As it is: a single other byte would break the signature. */
const sendText = (reply: FastifyReply, text: string) =>
  reply.serializer((value: unknown) => value as string).send(Buffer.from(text));

/** The page's own style and nothing else, in an origin of its own. */
function policyOf(page: string): string {
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox`;
}
