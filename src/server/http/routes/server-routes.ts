/** About the server itself: liveness, metrics, the description of the interface and its page. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { HoldfastError } from '../../../engine/index.ts';
import type { App, ServerContext } from '../context.ts';

const EARLY = { access: { open: true, early: true } } as const;

export function addServerRoutes(app: App, { monitoring }: ServerContext): void {
  const tags = ['server'];
  for (const [url, look, summary] of [
    ['/healthz', monitoring.healthz, 'Whether the process lives'],
    ['/readyz', monitoring.readyz, 'Whether it can work'],
  ] as const) {
    app.route({
      method: 'GET',
      url,
      config: EARLY,
      schema: { tags, summary, response: { 200: z.unknown(), 503: z.unknown() } },
      handler: async (_request, reply) => {
        const { ok, body } = await look();
        return reply
          .code(ok ? 200 : 503)
          .header('cache-control', 'no-store')
          .send(body);
      },
    });
  }
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: { permission: 'metrics:read' } },
    schema: { tags, summary: 'For Prometheus, with an API token', produces: ['text/plain'] },
    handler: async (_request, reply) => {
      const found = await monitoring.metrics();
      if (!found) throw new HoldfastError('route_unknown', 'this server has no metrics');
      return reply
        .header('content-type', found.contentType)
        .serializer((value: unknown) => value as never)
        .send(found.body);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/openapi.json',
    config: { access: { open: true } },
    schema: { hide: true },
    handler: async () => app.swagger(),
  });
  addPage(app);
}

const PAGE: readonly (readonly [url: string, file: string, type: string])[] = [
  ['/api/docs', 'docs.html', 'text/html; charset=utf-8'],
  ['/api/docs/app.js', 'docs.js', 'text/javascript; charset=utf-8'],
  ['/api/docs/app.css', 'docs.css', 'text/css; charset=utf-8'],
];

/** A page of our own: nothing is loaded from elsewhere, and no inline script is needed. */
function addPage(app: App): void {
  for (const [url, file, type] of PAGE) {
    const text = readFileSync(new URL(`../page/${file}`, import.meta.url), 'utf8');
    app.route({
      method: 'GET',
      url,
      config: { access: { open: true } },
      schema: { hide: true },
      handler: async (_request, reply) =>
        reply
          .type(type)
          .serializer((value: unknown) => value as never)
          .send(text),
    });
  }
}
