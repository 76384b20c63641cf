import { healthAnswer, uploadTest, uploadTestResult } from '../../../contracts/api/administration.ts';
import { answers } from '../../../contracts/api/common.ts';
import { settingsAnswer, settingsChange, tenantQuery } from '../../../contracts/api/configuration.ts';
import { destinationsOf } from '../../../contracts/config-destinations.ts';
import { isAllowed } from '../../access/identity.ts';
import { listDocuments, requireDocument, storedConfig } from '../../configuration/documents.ts';
import { tenantHealth } from '../../monitoring/tenant-health.ts';
import { type App, authorOf, identityOf, type ServerContext, visibleTenants } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { testStored } from '../test-destinations.ts';
import { requireTenant, setSettings, settingsOf, tenantOfBodyField, tenantOfQuery } from './settings.ts';
import { addTrigger, addTriggerHistory } from './shared.ts';

const BASE = '/functions/v1/backup-trigger';

export function addFunctionRoutes(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['functions'];
  addTrigger(app, context, {
    ...{ url: `${BASE}/trigger`, tags, summary: 'Start a backup by tenant and type', knownTenant: true },
  });
  addTriggerHistory(app, context, {
    ...{ url: `${BASE}/history`, tags, summary: 'Every request for a backup and its result' },
  });
  app.route({
    method: 'GET',
    url: `${BASE}/settings`,
    config: { access: { permission: 'settings:read', tenant: tenantOfQuery } },
    schema: {
      tags,
      summary: 'Settings of a tenant, or of all',
      querystring: tenantQuery,
      response: answers(settingsAnswer),
    },
    handler: async (request) => settingsOf(context, request.query.tenant_id ?? null),
  });
  app.route({
    method: 'POST',
    url: `${BASE}/settings`,
    config: { access: { permission: 'settings:write', tenant: tenantOfBodyField } },
    schema: { tags, summary: 'Change settings', body: settingsChange, response: answers(settingsAnswer) },
    handler: async (request) => {
      const { tenant_id, ...change } = request.body;
      await requireTenant(context, tenant_id);
      await setSettings(context, tenant_id, change, authorOf(request, context));
      return settingsOf(context, tenant_id);
    },
  });
  app.route({
    method: 'POST',
    url: `${BASE}/test-upload`,
    config: { access: { permission: 'destinations:test', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Write to the destinations, read back and delete',
      body: uploadTest,
      response: answers(uploadTestResult),
    },
    handler: async (request) => {
      const destinations = [];
      for (const name of await namesToTest(request, context, request.body)) {
        destinations.push({ destination: name, ...(await testStored(context, name)) });
      }
      return { ok: destinations.every(({ ok }) => ok), destinations };
    },
  });
  app.route({
    method: 'GET',
    url: `${BASE}/health`,
    config: { access: { permission: 'health:read', tenant: 'visible' } },
    schema: { tags, summary: 'The last good backup of each tenant', response: answers(healthAnswer) },
    handler: async (request) => tenantHealth(catalog, visibleTenants(request)),
  });
}

/** The named destination, those of the tenant's plans, or all that the caller may test. */
async function namesToTest(
  request: Parameters<typeof identityOf>[0],
  { catalog }: ServerContext,
  { tenant_id, destination }: typeof uploadTest._zod.output,
): Promise<string[]> {
  const identity = identityOf(request);
  const mayTest = (tenantId: string | null) => isAllowed(identity, 'destinations:test', tenantId);
  const config = await storedConfig(catalog.db);
  if (destination !== undefined) {
    const found = await requireDocument(catalog.db, 'destination', destination);
    if (mayTest(found.tenantId)) return [found.name];
  }
  const plans = await listDocuments(
    catalog.db,
    'plan',
    tenant_id === undefined ? {} : { tenantId: tenant_id },
  );
  const names = plans
    .filter(({ tenantId }) => mayTest(tenantId))
    .flatMap(({ body }) => destinationsOf(config, body).map(({ name }) => name));
  const wanted = [...new Set(names)].filter((name) => destination === undefined || name === destination);
  if (wanted.length > 0) return wanted;
  throw new RequestProblem([{ field: 'destination', message: 'there is no destination to test' }]);
}
