/** Tenants, and settings with where each value comes from. */
import { answers, iso, isoOrNull, listOf, nothing } from '../../../contracts/api/common.ts';
import {
  settingsAnswer,
  settingsChange,
  tenant,
  tenantCreate,
  tenantQuery,
} from '../../../contracts/api/configuration.ts';
import { jobParam as idParam } from '../../../contracts/api/runs.ts';
import { type SettingKey, settingSchemas } from '../../../contracts/settings.ts';
import { HoldfastError } from '../../../engine/index.ts';
import type { Author } from '../../configuration/author.ts';
import { changeSettings, effectiveSettings } from '../../configuration/settings.ts';
import {
  archiveTenant,
  createTenant,
  getTenant,
  listTenants,
  type Tenant,
} from '../../configuration/tenants.ts';
import { checkSchedule } from '../../schedule/cron.ts';
import { syncAllSchedules } from '../../schedule/schedule.ts';
import { type App, authorOf, type ServerContext, visibleTenants } from '../context.ts';
import type { TenantOf } from '../route-access.ts';

export const tenantOfQuery: TenantOf = ({ query }) => (query as { tenant_id?: string }).tenant_id ?? null;
export const tenantOfBodyField: TenantOf = ({ body }) =>
  (body as { tenant_id?: string | null } | null)?.tenant_id ?? null;

export function addSettingRoutes(app: App, context: ServerContext): void {
  addTenants(app, context);
  const tags = ['configuration'];
  app.route({
    method: 'GET',
    url: '/api/v1/settings',
    config: { access: { permission: 'settings:read', tenant: tenantOfQuery } },
    schema: {
      tags,
      summary: 'Settings as they hold for a tenant, or for all, and where each comes from',
      querystring: tenantQuery,
      response: answers(settingsAnswer),
    },
    handler: async (request) => settingsOf(context, request.query.tenant_id ?? null),
  });
  app.route({
    method: 'PATCH',
    url: '/api/v1/settings',
    config: { access: { permission: 'settings:write', tenant: tenantOfBodyField } },
    schema: {
      tags,
      summary: 'Change settings of a tenant, or of all',
      body: settingsChange,
      response: answers(settingsAnswer),
    },
    handler: async (request) => {
      const { tenant_id, ...change } = request.body;
      await requireTenant(context, tenant_id);
      await setSettings(context, tenant_id, change, authorOf(request, context));
      return settingsOf(context, tenant_id);
    },
  });
}

/** Throws `tenant_unknown`. */
export async function requireTenant({ catalog }: ServerContext, id: string | null): Promise<void> {
  if (id !== null && !(await getTenant(catalog.db, id))) {
    throw new HoldfastError('tenant_unknown', `there is no tenant ${id}`);
  }
}

interface SettingsChange {
  readonly settings: { readonly [key: string]: unknown };
  readonly inherit: readonly string[];
}

/** Null goes back to what is inherited, but for settings where null is a value of its own. */
export async function setSettings(
  { catalog, schedule }: ServerContext,
  tenantId: string | null,
  { settings, inherit }: SettingsChange,
  author: Author,
): Promise<void> {
  const changes = Object.fromEntries([
    ...Object.entries(settings).map(([key, value]) => [
      key,
      value === null && !isNullable(key) ? undefined : value,
    ]),
    ...inherit.map((key) => [key, undefined]),
  ]) as { readonly [key: string]: unknown };
  const cron = changes['schedule.cron'];
  const timeZone = changes['schedule.timeZone'];
  checkSchedule({
    cron: typeof cron === 'string' ? cron : null,
    timeZone: typeof timeZone === 'string' ? timeZone : null,
  });
  await catalog.transaction(async (trx) => {
    await changeSettings(trx, tenantId, changes, author);
    await syncAllSchedules(trx, author.atMs);
  });
  schedule.wake();
}

const isNullable = (key: string) =>
  Object.hasOwn(settingSchemas, key) && settingSchemas[key as SettingKey].safeParse(null).success;

export async function settingsOf({ catalog }: ServerContext, tenantId: string | null) {
  const effective = await effectiveSettings(catalog.db, tenantId);
  const settings = Object.entries(effective).map(([key, one]) => [
    key,
    {
      ...{ value: one.value as unknown, from: one.from, origin: one.origin, updated_by: one.updatedBy },
      updated_at: isoOrNull(one.updatedAtMs),
    },
  ]);
  return { tenant_id: tenantId, settings: Object.fromEntries(settings) };
}

function addTenants(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['configuration'];
  const payload = ({ id, name, createdAtMs, archivedAtMs }: Tenant) => ({
    ...{ id, name },
    created_at: iso(createdAtMs),
    archived_at: isoOrNull(archivedAtMs),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/tenants',
    config: { access: { permission: 'tenants:read', tenant: 'visible' } },
    schema: { tags, summary: 'Tenants', response: answers(listOf(tenant)) },
    handler: async (request) => {
      const visible = visibleTenants(request);
      const all = await listTenants(catalog.db);
      return { items: all.filter(({ id }) => visible === null || visible.includes(id)).map(payload) };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/tenants',
    config: { access: { permission: 'tenants:write' } },
    schema: { tags, summary: 'Create a tenant', body: tenantCreate, response: answers(tenant, 201) },
    handler: async (request, reply) => {
      const author = authorOf(request, context);
      const made = await catalog.transaction((trx) => createTenant(trx, request.body, author));
      return reply.code(201).send(payload(made));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/tenants/:id',
    config: { access: { permission: 'tenants:write', dangerous: true } },
    schema: {
      tags,
      summary: 'Archive a tenant; its backups stay',
      params: idParam,
      response: answers(nothing),
    },
    handler: async (request) => {
      const { id } = request.params;
      await requireTenant(context, id);
      await catalog.transaction((trx) => archiveTenant(trx, id, authorOf(request, context)));
      return {};
    },
  });
}
