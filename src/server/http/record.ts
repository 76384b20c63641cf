/** Hands everything that was done, and every read of backup data, to the record, before the answer goes out. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { nameOf } from '../access/identity.ts';
import type { App, ServerContext } from './context.ts';

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

export function addRecord(app: App, { catalog, record }: ServerContext): void {
  const written = new WeakSet<FastifyRequest>();
  app.decorateRequest('about', null);
  app.addHook('onSend', async (request, reply, payload) => {
    if (!written.has(request) && isRecorded(request, reply)) {
      // Once: the answer to a failure of the record passes here again.
      written.add(request);
      const { params } = request as { params?: Record<string, string> };
      await record({
        atMs: catalog.clock.nowMs(),
        action: `${request.method} ${request.routeOptions.url ?? ''}`,
        object: { ...params, ...request.about },
        actor: request.identity ? nameOf(request.identity) : null,
        userId: request.identity?.userId ?? null,
        tokenId: request.identity?.token?.id ?? null,
        tenantId: request.tenantId ?? null,
        address: request.ip,
        status: reply.statusCode,
      });
    }
    return payload;
  });
}

/** What was refused to a stranger is a matter for the log: anybody could fill a ledger with it. */
function isRecorded(request: FastifyRequest, reply: FastifyReply): boolean {
  if (request.is404) return false;
  const { access, recorded } = request.routeOptions.config;
  const changes = !READING.has(request.method) || recorded === true;
  const isKnown = request.identity !== null || (access !== undefined && 'setup' in access);
  return changes && (isKnown || reply.statusCode < 400);
}
