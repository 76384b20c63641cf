/** Section A of the interface: the backups page, and the same by tenant and type. */
import { z } from 'zod';
import { encryptionKeyId } from '../config-destination.ts';
import { databaseHour, databaseRetentionDays } from '../config-schedule.ts';
import { backupType, documentName, tenantId, time } from './common.ts';

const secret = (what: string) =>
  z.string().min(1).max(4096).optional().describe(`${what}; write-only, never shown`);

export const s3Fields = {
  bucket: z.string().min(3).max(63),
  prefix: z.string().max(500).optional(),
  region: z.string().max(100).optional(),
  endpoint: z.string().max(500).optional().describe('of another server than AWS'),
  path_style: z.boolean().optional(),
  sse: z.enum(['AES256', 'aws:kms']).optional(),
  kms_key: z.string().max(500).optional(),
  storage_class: z.string().max(50).optional(),
  checksums: z
    .enum(['when-supported', 'when-required'])
    .optional()
    .describe('when-required for older servers'),
  access_key_id: secret('access key id'),
  secret_access_key: secret('secret access key'),
};
export const s3Write = z.strictObject(s3Fields);

export const s3Test = z
  .strictObject({
    ...s3Fields,
    bucket: s3Fields.bucket.optional(),
    destination: documentName.optional().describe('a stored destination'),
  })
  .default({});

const database = z.object({
  enabled: z.boolean(),
  hour: databaseHour.describe('UTC'),
  retention_days: databaseRetentionDays.nullable(),
  size_bytes: z.number().nullable().describe('in the newest backup'),
});
const count = z.int().min(1).max(100_000).nullable().optional();
const retention = z.strictObject({
  preset: z.string().max(50).optional(),
  ...{ days: count, versions: count, keep_last: count, hourly: count, daily: count },
  ...{ weekly: count, monthly: count, yearly: count },
});

export const backupConfig = z.object({
  plan: z.string().nullable().describe('null while there is none'),
  version: z.int().nullable(),
  tenant_id: tenantId,
  enabled: z.boolean(),
  type: backupType,
  schedule: z.string().nullable().describe('cron; null for never'),
  time_zone: z.string(),
  sources: z.array(z.string()),
  databases: z.record(z.string(), database),
  retention,
  destinations: z.array(
    z.object({
      name: z.string(),
      address: z.string().describe('without credentials'),
      region: z.string().nullable(),
      access_key_id_set: z.boolean(),
      secret_access_key_set: z.boolean(),
      encryption: z.object({
        algorithm: z.enum(['AES-256-GCM', 'none']),
        key_set: z.boolean(),
        key_id: z.string().nullable(),
        encryption_key_id: z
          .string()
          .nullable()
          .describe('a key in AWS KMS or Vault Transit that opens the repository, too; no secret'),
      }),
    }),
  ),
});

export const backupConfigWrite = z.strictObject({
  version: z.int().nullable().optional().describe('the version that was read; null for a plan that is new'),
  tenant_id: tenantId.optional(),
  enabled: z.boolean().optional(),
  type: backupType.optional(),
  schedule: z.string().max(100).nullable().optional(),
  time_zone: z.string().max(100).optional(),
  sources: z.array(documentName).min(1).optional(),
  databases: z
    .record(
      documentName,
      z.strictObject({
        enabled: z.boolean().default(true),
        hour: databaseHour.optional().describe('UTC; 2 for the first, 3 for the others'),
        retention_days: databaseRetentionDays.nullable().default(null),
      }),
    )
    .optional(),
  retention: retention.optional(),
  destinations: z.array(documentName).min(1).optional(),
  s3: s3Write.optional().describe('makes or changes the destination named by s3_destination'),
  s3_destination: documentName.default('s3').describe('of s3, encryption_key and encryption_key_id'),
  encryption_key: secret('for a new S3 destination'),
  encryption_key_id: encryptionKeyId
    .nullable()
    .optional()
    .describe(
      'of the destination named by s3_destination, which may be another than S3: a key in AWS KMS or Vault Transit that wraps the key of its repository. A new repository without any other key is made under it; one that is there is opened by it once holdfast key add --kms has let it. null takes it away',
    ),
});

export const planQuery = z.strictObject({ plan: documentName.optional() });

export const triggerRequest = z
  .strictObject({
    plan: documentName.optional(),
    tenant_id: tenantId.optional(),
    part: documentName.optional(),
    type: backupType.optional(),
  })
  .default({});

export const newKey = z.object({
  encryption_key: z.string().describe('shown once; keep it away from this machine'),
  key_id: z.string().nullable(),
});

export const uploadTest = z
  .strictObject({ tenant_id: tenantId.optional(), destination: documentName.optional() })
  .default({});
export const uploadTestResult = z.object({
  ok: z.boolean(),
  destinations: z.array(
    z.object({
      destination: z.string(),
      ok: z.boolean(),
      checks: z.array(
        z.object({ name: z.string(), status: z.string(), message: z.string(), next: z.string().nullable() }),
      ),
    }),
  ),
});

const planHealth = z.object({
  plan: z.string(),
  part: z.string().nullable(),
  status: z.enum(['healthy', 'warning']),
  message: z.string(),
  last_good_backup_at: time.nullable(),
  last_good_backup_id: z.string().nullable(),
  age_hours: z.number().nullable(),
  limit_hours: z.number(),
  frequency_hours: z.number().nullable(),
  hours_since_proven_restore: z.number().nullable(),
  last_drill_result: z.enum(['green', 'red']).nullable(),
  last_drill_at: time.nullable(),
  drill_overdue: z.boolean(),
});
const health = z.object({
  tenant_id: tenantId,
  status: z.enum(['healthy', 'warning']),
  message: z.string(),
  last_good_backup_at: time.nullable(),
  last_good_backup_id: z.string().nullable(),
  age_hours: z.number().nullable(),
  frequency_hours: z
    .number()
    .nullable()
    .describe('of the plan that runs most often; null without a schedule'),
  hours_since_proven_restore: z.number().nullable().describe('since the last drill that was green'),
  plans: z.array(planHealth),
});
export const healthAnswer = z.object({ status: z.enum(['healthy', 'warning']), tenants: z.array(health) });
