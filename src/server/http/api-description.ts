import { publicOnly } from '../outbound/index.ts';
import type { ServerContext } from './context.ts';
import { httpSettings } from './http-settings.ts';
import { buildServer } from './server.ts';

/** The OpenAPI document, as a server serves it. Nothing is opened for it. */
export async function apiDescription(): Promise<unknown> {
  const unused = async () => {
    throw new Error('this server only describes itself');
  };
  const context = {
    ...{
      catalog: null,
      queue: null,
      schedule: null,
      workplace: null,
      ledger: null,
      notices: null,
      outbound: publicOnly,
    },
    settings: httpSettings({}, '/nonexistent/holdfast'),
    ...{ sealKey: Buffer.alloc(32), record: unused },
    monitoring: { healthz: unused, readyz: unused, metrics: unused },
  } as unknown as ServerContext;
  const app = await buildServer(context);
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}
