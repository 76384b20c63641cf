import { answers, pageOf } from '../../../contracts/api/common.ts';
import { nameParam } from '../../../contracts/api/configuration.ts';
import {
  runAnswer,
  runRequest,
  triggerQuery,
  trigger as triggerSchema,
} from '../../../contracts/api/runs.ts';
import { requireDocument } from '../../configuration/documents.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { trigger } from '../trigger.ts';
import { triggerHistory } from '../trigger-history.ts';

export function addTriggerRoutes(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['jobs'];
  app.route({
    method: 'POST',
    url: '/api/v1/plans/:name/run',
    config: {
      access: {
        permission: 'backups:trigger',
        tenant: async (request) =>
          (await requireDocument(catalog.db, 'plan', (request.params as { name: string }).name)).tenantId,
      },
    },
    schema: {
      tags,
      summary: 'Run a plan now',
      description: 'With an Idempotency-Key, sending it again gives the same run.',
      params: nameParam,
      body: runRequest.default({}),
      response: answers(runAnswer, 202),
    },
    handler: async (request, reply) => {
      const { part, type } = request.body;
      const asked = {
        plan: request.params.name,
        tenantId: undefined,
        part: part ?? null,
        type: type ?? null,
      };
      return reply.code(202).send(await trigger(request, context, asked));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/triggers',
    config: { access: { permission: 'jobs:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Every request for a run and its result',
      querystring: triggerQuery,
      response: answers(pageOf(triggerSchema)),
    },
    handler: async (request) => triggerHistory(context, visibleTenants(request), request.query),
  });
}
