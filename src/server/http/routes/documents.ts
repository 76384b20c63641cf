/** Plans, sources and destinations: the stored form of what `holdfast.yaml` says. */
import { isDeepStrictEqual } from 'node:util';
import type { FastifyRequest } from 'fastify';
import { answers, nothing, pageOf } from '../../../contracts/api/common.ts';
import {
  destinationCreate,
  documentCreate,
  documentReplace,
  initialized,
  nameParam,
  storedDocument,
  testResult,
  versionQuery,
} from '../../../contracts/api/configuration.ts';
import type { PlanConfig } from '../../../contracts/config.ts';
import { destinationsOf } from '../../../contracts/config-destinations.ts';
import { drill as drillSchema } from '../../../contracts/config-drill.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { isAllowed } from '../../access/identity.ts';
import {
  deleteDocument,
  findDocument,
  listDocuments,
  requireDocument,
  storedConfig,
  writeDocument,
} from '../../configuration/documents.ts';
import { withoutHidden } from '../../configuration/hidden-values.ts';
import { initDestination } from '../../worker/init-destination.ts';
import { type App, authorOf, identityOf, type ServerContext, visibleTenants } from '../context.ts';
import { requireFreshProof } from '../guard.ts';
import { documentPayload } from '../payloads.ts';
import type { TenantOf } from '../route-access.ts';
import { testStored } from '../test-destinations.ts';

type Kind = keyof typeof KINDS;

const KINDS = { plan: 'plans', source: 'sources', destination: 'destinations', channel: 'channels' } as const;
/** Who is told what is a matter of its own. */
const permissionOf = (kind: Kind, verb: 'read' | 'write') =>
  kind === 'channel' ? (`notices:${verb}` as const) : (`plans:${verb}` as const);

/** The tenant of the document that the path names. */
const tenantOf =
  (kind: Kind): TenantOf =>
  async (request, { catalog }) =>
    (await requireDocument(catalog.db, kind, (request.params as { name: string }).name)).tenantId;

/** The tenant that a new plan is to belong to. */
const tenantOfBody: TenantOf = (request) => {
  const { body } = request.body as { body: { tenantId?: unknown } };
  return typeof body.tenantId === 'string' ? body.tenantId : null;
};

export function addDocumentRoutes(app: App, context: ServerContext): void {
  for (const kind of ['plan', 'source', 'destination', 'channel'] as const) {
    addReading(app, context, kind);
    addWriting(app, context, kind);
  }
  addDestinationActions(app, context);
}

function addReading(app: App, { catalog }: ServerContext, kind: Kind): void {
  const tags = ['configuration'];
  app.route({
    method: 'GET',
    url: `/api/v1/${KINDS[kind]}`,
    config: { access: { permission: permissionOf(kind, 'read'), tenant: 'visible' } },
    schema: { tags, summary: `All ${KINDS[kind]}`, response: answers(pageOf(storedDocument)) },
    handler: async (request) => {
      const tenants = visibleTenants(request);
      const all = await listDocuments(catalog.db, kind);
      const seen = all.filter(
        ({ tenantId }) => tenants === null || (tenantId !== null && tenants.includes(tenantId)),
      );
      return { items: seen.map(documentPayload), next: null };
    },
  });
  app.route({
    method: 'GET',
    url: `/api/v1/${KINDS[kind]}/:name`,
    config: { access: { permission: permissionOf(kind, 'read'), tenant: tenantOf(kind) } },
    schema: { tags, summary: `One ${kind}`, params: nameParam, response: answers(storedDocument) },
    handler: async (request) => documentPayload(await requireDocument(catalog.db, kind, request.params.name)),
  });
}

/** Sources and destinations name paths and commands of this machine, so nobody of one tenant alone writes them. */
function addWriting(app: App, context: ServerContext, kind: Kind): void {
  const { catalog, schedule } = context;
  const tags = ['configuration'];
  const forPlan = (tenant: TenantOf) => (kind === 'plan' ? { tenant } : {});
  const refuse = async (request: FastifyRequest, body: unknown) => {
    const runsCommand = kind === 'source' && (body as { kind?: unknown }).kind === 'command';
    if (runsCommand) requireFreshProof(identityOf(request), catalog.clock.nowMs());
    if (kind !== 'plan') return;
    await refuseForeignParts(request, context, body);
    await refuseCommands(request, context, body as PlanConfig);
  };
  app.route({
    method: 'POST',
    url: `/api/v1/${KINDS[kind]}`,
    config: { access: { permission: permissionOf(kind, 'write'), ...forPlan(tenantOfBody) } },
    schema: {
      tags,
      summary: `Create a ${kind}`,
      body: kind === 'destination' ? destinationCreate : documentCreate,
      response: answers(storedDocument, 201),
    },
    handler: async (request, reply) => {
      const { name, tenant_id } = request.body;
      const body = withoutHidden(kind, name, request.body.body, null);
      await refuse(request, body);
      const write = { kind, name, body, tenantId: tenant_id ?? null, replaces: null };
      const author = authorOf(request, context);
      const document = await catalog.transaction((trx) => writeDocument(trx, write, author));
      if ('initialize' in request.body && request.body.initialize) {
        await initDestination(context, name, new AbortController().signal).catch(async (error: unknown) => {
          // A destination that cannot be used is not kept: the same request can be sent again.
          await catalog.transaction((trx) => deleteDocument(trx, { kind, name, version: 1 }, author));
          throw error;
        });
      }
      schedule.wake();
      return reply.code(201).send(documentPayload(document));
    },
  });
  app.route({
    method: 'PUT',
    url: `/api/v1/${KINDS[kind]}/:name`,
    config: { access: { permission: permissionOf(kind, 'write'), ...forPlan(tenantOf(kind)) } },
    schema: {
      tags,
      summary: `Replace a ${kind}; refused when it changed since the version that was read`,
      params: nameParam,
      body: documentReplace,
      response: answers(storedDocument),
    },
    handler: async (request) => {
      const { name } = request.params;
      const { tenant_id, version } = request.body;
      const before = await requireDocument(catalog.db, kind, name);
      const body = withoutHidden(kind, name, request.body.body, before.body);
      await refuse(request, body);
      const tenantId = tenant_id === undefined ? before.tenantId : tenant_id;
      const author = authorOf(request, context);
      const document = await catalog.transaction((trx) =>
        writeDocument(trx, { kind, name, body, tenantId, replaces: version }, author),
      );
      schedule.wake();
      return documentPayload(document);
    },
  });
  app.route({
    method: 'DELETE',
    url: `/api/v1/${KINDS[kind]}/:name`,
    config: {
      access: { permission: permissionOf(kind, 'write'), dangerous: true, ...forPlan(tenantOf(kind)) },
    },
    schema: {
      tags,
      summary: `Delete a ${kind}; backups stay`,
      params: nameParam,
      querystring: versionQuery,
      response: answers(nothing),
    },
    handler: async (request) => {
      const { name } = request.params;
      const { version } = request.query;
      await catalog.transaction((trx) =>
        deleteDocument(trx, { kind, name, version }, authorOf(request, context)),
      );
      return {};
    },
  });
}

/** A plan of somebody of one tenant belongs to that tenant and uses nothing of others. */
async function refuseForeignParts(
  request: FastifyRequest,
  { catalog }: ServerContext,
  body: unknown,
): Promise<void> {
  const identity = identityOf(request);
  if (isAllowed(identity, 'plans:write', null)) return;
  const tenantId = tenantOfBody(request, {} as ServerContext) as string | null;
  const denied = new HoldfastError('not_permitted', 'this plan may use only what belongs to its tenant');
  if (!isAllowed(identity, 'plans:write', tenantId)) throw denied;
  const config = await storedConfig(catalog.db);
  const plan = body as PlanConfig;
  const lists = [plan.sources, plan.destinations ?? [], Object.values(plan.separate ?? {})];
  if (!lists.every(Array.isArray)) return;
  const names = {
    source: plan.sources,
    destination: destinationsOf(config, { ...plan, retention: {} }).map(({ name }) => name),
  };
  for (const kind of ['source', 'destination'] as const) {
    const own = await listDocuments(catalog.db, kind, { tenantId });
    if (!names[kind].every((name) => own.some((one) => one.name === name))) throw denied;
  }
}

/** Hooks, and checks of drills, run on this machine: only who may write every plan changes them. */
async function refuseCommands(
  request: FastifyRequest,
  { catalog }: ServerContext,
  { hooks, drill }: PlanConfig,
): Promise<void> {
  const { name } = (request.params ?? {}) as { name?: string };
  const before = name === undefined ? null : (await findDocument(catalog.db, 'plan', name))?.body;
  // As it was stored it has its defaults, and so has what was read and comes back.
  const isKept =
    isDeepStrictEqual(before?.hooks, hooks) &&
    isDeepStrictEqual(commandsOf(before?.drill), commandsOf(drill));
  if (isKept) return;
  const identity = identityOf(request);
  if (!isAllowed(identity, 'plans:write', null)) {
    throw new HoldfastError(
      'not_permitted',
      'hooks and checks of a plan need the permission plans:write everywhere',
    );
  }
  requireFreshProof(identity, catalog.clock.nowMs());
}

/** All of a drill but when it comes. */
function commandsOf(drill: PlanConfig['drill']) {
  const { schedule: _, afterBackups: __, ...rest } = drill ?? {};
  return isDeepStrictEqual(rest, NO_COMMANDS) || Object.keys(rest).length === 0 ? null : rest;
}

const NO_COMMANDS = drillSchema.parse({});

function addDestinationActions(app: App, context: ServerContext): void {
  const tags = ['configuration'];
  app.route({
    method: 'POST',
    url: '/api/v1/destinations/:name/test',
    config: { access: { permission: 'destinations:test', tenant: tenantOf('destination') } },
    schema: {
      tags,
      summary: 'Write, read back, list and delete an object there',
      params: nameParam,
      response: answers(testResult),
    },
    handler: async (request) => testStored(context, request.params.name),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/destinations/:name/initialize',
    config: { access: { permission: 'plans:write' } },
    schema: {
      tags,
      summary: 'Make the repository where there is none',
      params: nameParam,
      response: answers(initialized),
    },
    handler: async (request) => {
      const { name } = request.params;
      await requireDocument(context.catalog.db, 'destination', name);
      const { repositoryId } = await initDestination(context, name, new AbortController().signal);
      return { repository_id: repositoryId };
    },
  });
}
