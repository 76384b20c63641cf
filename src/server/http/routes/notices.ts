import { answers, iso, isoOrNull, pageOf } from '../../../contracts/api/common.ts';
import { nameParam } from '../../../contracts/api/configuration.ts';
import { channelTest, delivery, noticeQuery } from '../../../contracts/api/notices.ts';
import { requireDocument } from '../../configuration/documents.ts';
import { listDeliveries } from '../../notices/history.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { redact } from '../redact.ts';

/** What was sent to channels. The channels themselves are documents. */
export function addNoticeRoutes(app: App, { catalog, notices }: ServerContext): void {
  const tags = ['notices'];
  app.route({
    method: 'GET',
    url: '/api/v1/notices',
    config: { access: { permission: 'notices:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Notices and what became of them, newest first',
      querystring: noticeQuery,
      response: answers(pageOf(delivery)),
    },
    handler: async (request) => {
      const { limit, after, channel } = request.query;
      const channelId =
        channel === undefined ? undefined : (await requireDocument(catalog.db, 'channel', channel)).id;
      const filter = { tenants: visibleTenants(request), ...(channelId === undefined ? {} : { channelId }) };
      const { items, next } = await listDeliveries(catalog.db, filter, { limit, after: after ?? null });
      return {
        items: items.map((one) => ({
          ...{ id: one.id, channel: one.channel, kind: one.kind, tenant_id: one.tenantId, plan: one.plan },
          ...{ status: one.status, attempts: one.attempts, created_at: iso(one.createdAtMs) },
          ...{ next_at: isoOrNull(one.nextAtMs), finished_at: isoOrNull(one.finishedAtMs) },
          last_error: one.lastError && redact(one.lastError),
        })),
        next,
      };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/channels/:name/test',
    config: { access: { permission: 'notices:write' } },
    schema: {
      tags,
      summary: 'Send a test, once and at once',
      params: nameParam,
      response: answers(channelTest),
    },
    handler: async (request) => {
      const { deliveryId, ok, answer, error, durationMs } = await notices.test(request.params.name);
      return {
        ...{ delivery_id: deliveryId, ok, duration_ms: durationMs },
        answer: answer && redact(answer),
        error: error && redact(error),
      };
    },
  });
}
