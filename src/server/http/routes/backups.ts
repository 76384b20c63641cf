import { z } from 'zod';
import { answers } from '../../../contracts/api/common.ts';
import { rebuildCatalog } from '../../worker/rebuild-catalog.ts';
import type { App, ServerContext } from '../context.ts';
import { addBackupList, addDownload } from './shared.ts';

export { tenantOfBackup } from './shared.ts';

export function addBackupRoutes(app: App, context: ServerContext): void {
  const tags = ['backups'];
  addBackupList(app, context, { url: '/api/v1/backups', tags, summary: 'Backups, newest first' });
  addDownload(app, context, { url: '/api/v1/backups/:id/download', tags });
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
}
