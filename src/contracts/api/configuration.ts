import { z } from 'zod';
import { documentName, id, tenantId, time } from './common.ts';

const origin = z.enum(['ui', 'api', 'cli', 'file']);

export const storedDocument = z.object({
  id,
  name: documentName,
  tenant_id: tenantId,
  body: z.record(z.string(), z.unknown()).describe('as in holdfast.yaml'),
  version: z.int(),
  origin,
  created_at: time,
  updated_at: time,
  updated_by: z.string().nullable(),
});

const body = z
  .record(z.string(), z.unknown())
  .describe('as in holdfast.yaml; see /docs/holdfast.schema.json');

export const documentCreate = z.strictObject({
  name: documentName,
  body,
  tenant_id: tenantId.optional().describe('of sources and destinations; a plan has it in its body'),
});
export const destinationCreate = documentCreate.extend({
  initialize: z.boolean().default(true).describe('makes the repository where there is none'),
});
export const documentReplace = z.strictObject({
  body,
  tenant_id: tenantId.optional(),
  version: z.int().min(1).describe('the version that was read'),
});
export const nameParam = z.strictObject({ name: documentName });
export const versionQuery = z.strictObject({ version: z.coerce.number().int().min(1) });
export const tenantQuery = z.strictObject({ tenant_id: tenantId.unwrap().optional() });

export const finding = z.object({
  name: z.string(),
  status: z.string(),
  message: z.string(),
  next: z.string().nullable(),
});
export const testResult = z.object({ ok: z.boolean(), checks: z.array(finding) });
export const initialized = z.object({ repository_id: z.string() });

export const storageUse = z.object({
  destination: z.string(),
  used_bytes: z.number().nullable().describe('of everything that lies there; null when it does not answer'),
  measured_at: time.nullable(),
  error: z.string().nullable().describe('why it could not be measured'),
  backups: z.int().describe('that are there, the archive, too'),
  backup_bytes: z.number().describe('what these backups would be by themselves, each in full'),
});

export const tenant = z.object({
  id: z.string(),
  name: z.string(),
  created_at: time,
  archived_at: time.nullable(),
});
export const tenantCreate = z.strictObject({ id: tenantId.unwrap(), name: z.string().min(1).max(200) });

export const setting = z.object({
  value: z.unknown(),
  from: z.enum(['default', 'global', 'tenant']).describe('where the value comes from'),
  origin: origin.nullable(),
  updated_at: time.nullable(),
  updated_by: z.string().nullable(),
});
export const settingsAnswer = z.object({ tenant_id: tenantId, settings: z.record(z.string(), setting) });
export const settingsChange = z.strictObject({
  tenant_id: tenantId.default(null),
  settings: z
    .record(z.string().max(100), z.unknown())
    .default({})
    .describe(
      'null goes back to what is inherited, but is a value of runs.limit and history.days: none; these two no tenant has',
    ),
  inherit: z
    .array(z.string().max(100))
    .max(100)
    .default([])
    .describe('settings that go back to what is inherited'),
});

export const configurationText = z.strictObject({ yaml: z.string().max(1_000_000) });
export const configurationApply = configurationText.extend({
  overwrite: z
    .array(z.string().max(200))
    .max(10_000)
    .default([])
    .describe(
      '`plan/nightly`, `setting/retention.days`: what was changed elsewhere, was looked at, and is to be overwritten',
    ),
  dry_run: z.boolean().default(false),
});
export const configurationChange = z.object({
  kind: z.enum(['plan', 'source', 'destination', 'channel', 'tenant', 'setting']),
  name: z
    .string()
    .describe('of a setting its key, behind the tenant if it is one of a tenant: acme/retention.days'),
  change: z
    .enum(['create', 'replace', 'delete', 'keep', 'adopt'])
    .describe(
      'keep: only in the catalog; adopt: equal, and belongs to the file from now on; delete: of a tenant, that it is archived',
    ),
  version: z.int().nullable().describe('tenants and settings have none'),
  conflict: z.boolean().describe('it was changed elsewhere since the file was last applied'),
  changed_by: z.string().nullable(),
  fields: z
    .array(z.object({ field: z.string(), stored: z.unknown().optional(), file: z.unknown().optional() }))
    .describe('what is absent on one side is left out there; null is a value'),
});
export const configurationDiff = z.object({
  changes: z.array(configurationChange),
  conflicts: z.int(),
  applied: z.boolean(),
  warnings: z.array(z.string()).describe('repositories of new destinations that could not be made'),
});
