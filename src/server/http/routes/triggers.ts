import { answers } from '../../../contracts/api/common.ts';
import { nameParam } from '../../../contracts/api/configuration.ts';
import { runAnswer, runRequest } from '../../../contracts/api/runs.ts';
import { requireDocument } from '../../configuration/documents.ts';
import type { App, ServerContext } from '../context.ts';
import { trigger } from '../trigger.ts';
import { addTriggerHistory } from './shared.ts';

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
  addTriggerHistory(app, context, {
    ...{ url: '/api/v1/triggers', tags, summary: 'Every request for a run and its result' },
  });
}
