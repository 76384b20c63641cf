import { answers, listOf } from '../../../contracts/api/common.ts';
import { storageUse as storageUseSchema } from '../../../contracts/api/configuration.ts';
import type { App, ServerContext } from '../context.ts';
import { storageUse } from '../storage-use.ts';

export function addStorageRoutes(app: App, context: ServerContext): void {
  const look = storageUse();
  app.route({
    method: 'GET',
    url: '/api/v1/storage',
    config: { access: { permission: 'plans:read' } },
    schema: {
      tags: ['configuration'],
      summary:
        'How much lies at each destination, measured in the last minutes, and what its backups would be in full',
      response: answers(listOf(storageUseSchema)),
    },
    handler: async () => ({ items: await look(context) }),
  });
}
