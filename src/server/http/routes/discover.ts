import { answers } from '../../../contracts/api/common.ts';
import { discovered, discoverRequest } from '../../../contracts/api/discover.ts';
import type { App, ServerContext } from '../context.ts';
import { whileWaiting } from '../copies.ts';
import { discoverSources } from '../discover-sources.ts';
import { turns } from '../turns.ts';

/** Each walks a disk, or connects to many databases. */
const SEARCHES = turns({ atOnce: 2, inLine: 8 });

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
    handler: async (request, reply) =>
      whileWaiting(reply, (signal) =>
        SEARCHES.take(signal, () => discoverSources(context, request.body, signal)),
      ),
  });
}
