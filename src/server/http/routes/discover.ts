import { answers } from '../../../contracts/api/common.ts';
import { discovered, discoverRequest } from '../../../contracts/api/discover.ts';
import type { App, ServerContext } from '../context.ts';
import { discoverSources } from '../discover-sources.ts';

/** Looks around on servers and on this machine: only for who may store any source. */
export function addDiscoverRoutes(app: App, context: ServerContext): void {
  app.route({
    method: 'POST',
    url: '/api/v1/sources/discover',
    config: { access: { permission: 'plans:write' } },
    schema: {
      tags: ['configuration'],
      summary: 'Databases of a server, or SQLite files below a folder, as sources to store',
      body: discoverRequest,
      response: answers(discovered),
    },
    handler: async (request, reply) => {
      const gone = new AbortController();
      const leave = () => gone.abort();
      reply.raw.once('close', leave);
      try {
        return await discoverSources(context, request.body, gone.signal);
      } finally {
        reply.raw.off('close', leave);
      }
    },
  });
}
