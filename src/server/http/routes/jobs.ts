import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { answers, iso, listOf, pageOf } from '../../../contracts/api/common.ts';
import { tenantQuery } from '../../../contracts/api/configuration.ts';
import {
  cancelled,
  eventsQuery,
  job,
  jobParam,
  jobQuery,
  upcomingRun,
  worker,
} from '../../../contracts/api/runs.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { listJobs } from '../../history/jobs.ts';
import type { JobUpdate } from '../../jobs/port.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { isStillAllowed } from '../guard.ts';
import { jobPayload, progressPayload } from '../payloads.ts';
import type { TenantOf } from '../route-access.ts';

const tenantOfJob: TenantOf = async (request, { queue }) => {
  const { id } = request.params as { id: string };
  const found = await queue.get(id);
  if (!found) throw new HoldfastError('job_unknown', `there is no job ${id}`);
  return found.tenantId;
};

export function addJobRoutes(app: App, context: ServerContext): void {
  const { catalog, queue, schedule } = context;
  const tags = ['jobs'];
  const streams = new Set<AbortController>();
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.abort();
  });
  app.route({
    method: 'GET',
    url: '/api/v1/jobs',
    config: { access: { permission: 'jobs:read', tenant: 'visible' } },
    schema: { tags, summary: 'Jobs, newest first', querystring: jobQuery, response: answers(pageOf(job)) },
    handler: async (request) => {
      const { limit, after, tenant_id: tenantId, ...filter } = request.query;
      const page = { limit, after: after ?? null };
      const visible = visibleTenants(request);
      const { items, next } = await listJobs(catalog.db, { ...filter, tenantId, visible }, page);
      return { items: items.map(jobPayload), next };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/jobs/:id',
    config: { access: { permission: 'jobs:read', tenant: tenantOfJob } },
    schema: { tags, summary: 'One job', params: jobParam, response: answers(job) },
    handler: async (request) => jobPayload((await queue.get(request.params.id))!),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/jobs/:id/cancel',
    config: { access: { permission: 'jobs:cancel', tenant: tenantOfJob } },
    schema: { tags, summary: 'Stop a job', params: jobParam, response: answers(cancelled) },
    handler: async (request) => ({ outcome: await queue.cancel(request.params.id) }),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/jobs/:id/events',
    config: { access: { permission: 'jobs:read', tenant: tenantOfJob } },
    schema: {
      tags,
      summary: 'Events and progress as they come (server-sent events)',
      description:
        'Ends after the event in which the job ends. A browser that reconnects goes on with Last-Event-ID.',
      params: jobParam,
      querystring: eventsQuery,
      produces: ['text/event-stream'],
      response: { 200: z.string() },
    },
    handler: (request, reply) => streamEvents(context, request, reply, streams),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/schedule',
    config: { access: { permission: 'jobs:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'The next backups and drills, of each plan and database one at least',
      querystring: tenantQuery,
      response: answers(listOf(upcomingRun)),
    },
    handler: async (request) => {
      const { tenant_id } = request.query;
      const runs = await schedule.upcoming({
        ...{ limit: 100, eachOnce: true, tenants: visibleTenants(request) },
        ...(tenant_id === undefined ? {} : { tenantId: tenant_id }),
      });
      return {
        items: runs.map(({ kind, plan, part, tenantId, slotAtMs, dueAtMs }) => ({
          ...{ kind, plan, part, tenant_id: tenantId, slot_at: iso(slotAtMs), due_at: iso(dueAtMs) },
        })),
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/workers',
    config: { access: { permission: 'jobs:read' } },
    schema: { tags, summary: 'Workers that were seen', response: answers(listOf(worker)) },
    handler: async () => {
      const rows = await catalog.db.selectFrom('job_workers').selectAll().orderBy('id').execute();
      return {
        items: rows.map(({ id, host, pid, labels, started_at, seen_at }) => ({
          ...{ id, host, pid, labels: JSON.parse(labels) as string[] },
          started_at: iso(started_at),
          seen_at: iso(seen_at),
        })),
      };
    },
  });
}

/** A comment now and then, so that proxies keep the connection and a client that went away is noticed. */
const ALIVE_MS = 15_000;

async function streamEvents(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  streams: Set<AbortController>,
): Promise<void> {
  const { id } = request.params as { id: string };
  const { after } = request.query as { after?: number };
  const ending = new AbortController();
  streams.add(ending);
  // Of the answer: the request is read to its end long before.
  reply.raw.on('close', () => ending.abort());
  const last = Number(request.headers['last-event-id']);
  const afterSeq = after ?? (Number.isSafeInteger(last) && last > 0 ? last : 0);
  const headers = reply.getHeaders();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  reply.raw.flushHeaders();
  const alive = setInterval(() => {
    reply.raw.write(': alive\n\n');
    // Who logged out, or lost the right, sees no more of it.
    isStillAllowed(request, context).then(
      (isAllowed) => isAllowed || ending.abort(),
      () => ending.abort(),
    );
  }, ALIVE_MS);
  try {
    for await (const update of context.queue.watch(id, { afterSeq, signal: ending.signal })) {
      if (!reply.raw.write(eventText(update))) {
        await new Promise<void>((resolve) => {
          reply.raw.once('drain', resolve);
          ending.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
    reply.raw.end('event: end\ndata: {}\n\n');
  } catch (error) {
    request.log.warn({ err: error }, 'events ended early');
    reply.raw.destroy();
  } finally {
    clearInterval(alive);
    streams.delete(ending);
  }
}

function eventText(update: JobUpdate): string {
  if (update.type === 'progress')
    return `event: progress\ndata: ${JSON.stringify(progressPayload(update.progress))}\n\n`;
  const { seq, atMs, kind, data } = update.event;
  return `id: ${seq}\nevent: ${kind}\ndata: ${JSON.stringify({ seq, at: iso(atMs), ...data })}\n\n`;
}
