import { backupConfig, backupConfigWrite, planQuery } from '../../../contracts/api/administration.ts';
import { answers } from '../../../contracts/api/common.ts';
import { changeConfig, configPayload, configPlan } from '../admin-config.ts';
import { type App, authorOf, type ServerContext } from '../context.ts';

const URL = '/api/admin/backups/config';

export function addAdminConfigRoutes(app: App, context: ServerContext): void {
  const tags = ['administration'];
  app.route({
    method: 'GET',
    url: URL,
    config: { access: { permission: 'plans:read' } },
    schema: {
      tags,
      summary: 'The configuration, without secrets',
      querystring: planQuery,
      response: answers(backupConfig),
    },
    handler: async (request) => configPayload(context, await configPlan(context, request.query.plan)),
  });
  app.route({
    method: 'PUT',
    url: URL,
    config: { access: { permission: 'plans:write' } },
    schema: {
      tags,
      summary: 'Change the configuration; what is left out stays',
      querystring: planQuery,
      body: backupConfigWrite,
      response: answers(backupConfig),
    },
    handler: async (request) => {
      const { plan: name } = request.query;
      const before = await configPlan(context, name).catch((error: unknown) => {
        // A new plan of this name is meant when no version was read.
        if (request.body.version === null) return null;
        throw error;
      });
      await changeConfig(context, before, name, request.body, authorOf(request, context));
      return configPayload(context, await configPlan(context, name).catch(() => null));
    },
  });
}
