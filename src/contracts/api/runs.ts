import { z } from 'zod';
import { backupType, documentName, id, pageQuery, tenantId, time } from './common.ts';

export const jobStatus = z.enum(['queued', 'running', 'succeeded', 'failed', 'skipped', 'interrupted']);
export const jobKind = z.enum([
  'backup',
  'verify',
  'rotate',
  'prune',
  'replicate',
  'drill',
  'table-retention',
  'restore',
  'custom',
]);
const error = z.object({ code: z.string(), message: z.string(), next: z.string() });

export const progress = z.object({
  phase: z.string(),
  at: time,
  bytes_done: z.number(),
  bytes_total: z.number().nullable(),
  bytes_stored: z.number(),
  entries_done: z.number(),
  entries_total: z.number().nullable(),
  bytes_per_second: z.number().nullable(),
  seconds_left: z.number().nullable(),
});

export const job = z.object({
  id,
  kind: jobKind,
  status: jobStatus,
  tenant_id: tenantId,
  plan: z.string().nullable(),
  part: z.string().nullable(),
  label: z.string().nullable(),
  created_at: time,
  run_after: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  attempt: z.int(),
  max_attempts: z.int(),
  worker_id: z.string().nullable(),
  cancel_requested_at: time.nullable(),
  progress: progress.nullable(),
  result: z.unknown(),
  error: error.nullable(),
});
export const jobQuery = z.strictObject({
  ...pageQuery,
  kind: jobKind.optional(),
  status: jobStatus.optional(),
  tenant_id: tenantId.unwrap().optional(),
  plan: documentName.optional(),
});
export const jobParam = z.strictObject({ id });
export const cancelled = z.object({ outcome: z.enum(['cancelled', 'requested', 'ended']) });
export const eventsQuery = z.strictObject({ after: z.coerce.number().int().min(0).optional() });

export const runRequest = z.strictObject({
  part: documentName.optional().describe('a database of the plan with its own hour'),
  type: backupType.optional(),
});
export const runAnswer = z.object({
  trigger_id: id,
  job_id: id,
  outcome: z
    .enum(['accepted', 'duplicate'])
    .describe('duplicate: the same was asked for before, or is under way'),
  status: jobStatus,
});

export const trigger = z.object({
  id,
  timestamp: time,
  via: z.string(),
  requested_by: z.string().nullable(),
  tenant_id: tenantId,
  plan: z.string().nullable(),
  part: z.string().nullable(),
  type: backupType.nullable(),
  outcome: z.enum(['accepted', 'duplicate', 'refused']),
  message: z.string().nullable(),
  job_id: id.nullable(),
  status: jobStatus.nullable().describe('of the job'),
  started_at: time.nullable(),
  finished_at: time.nullable(),
  backup_id: id.nullable(),
  error: error.nullable(),
  progress: progress.nullable(),
});
export const triggerQuery = z.strictObject({
  ...pageQuery,
  tenant_id: tenantId.unwrap().optional(),
  plan: documentName.optional(),
});

export const upcomingRun = z.object({
  kind: z.enum(['backup', 'drill']),
  plan: z.string(),
  part: z.string().nullable(),
  tenant_id: tenantId,
  slot_at: time,
  due_at: time,
});
export const worker = z.object({
  id,
  host: z.string(),
  pid: z.int(),
  labels: z.array(z.string()),
  started_at: time,
  seen_at: time,
});

export const backup = z.object({
  id,
  timestamp: time,
  plan: z.string().nullable(),
  part: z.string().nullable(),
  tenant_id: tenantId,
  type: backupType,
  status: z.enum(['succeeded', 'incomplete', 'imported']),
  size_bytes: z.number(),
  stored_bytes: z.number().nullable(),
  databases: z.record(z.string(), z.number()).describe('bytes of each database'),
  held: z.boolean(),
  archived_at: time.nullable(),
  job_id: id.nullable(),
  bundle: z.string().describe('as its download is called, without the ending'),
  key_id: z
    .string()
    .nullable()
    .describe('of the key that sealed it; null for a passphrase or when not known'),
  encryption: z
    .enum(['aes-256-gcm', 'none'])
    .describe(
      'none where a destination that holds it takes bundles without encryption: anyone can read it there',
    ),
  copies_present: z.int(),
  copies_wanted: z.int(),
  last_drill: z.enum(['green', 'red']).nullable().describe('what the last drill of it found; null for none'),
});
export const backupDetail = backup.extend({
  artifacts: z.array(z.object({ name: z.string(), kind: z.string(), size_bytes: z.number() })),
  copies: z.array(
    z.object({
      destination: z.string(),
      state: z.string(),
      seen_at: time,
      verified_at: time.nullable(),
      verified_good: z.boolean().nullable(),
      error: z.string().nullable(),
    }),
  ),
});
export const backupQuery = z.strictObject({
  ...pageQuery,
  tenant_id: tenantId.unwrap().optional(),
  plan: documentName.optional(),
  archived: z.enum(['true', 'false']).default('false'),
});
export const backupParam = z.strictObject({ id });
export const downloadQuery = z.strictObject({ compression: z.enum(['zstd', 'gzip']).default('gzip') });

export const restoreAnswer = z.object({ job_id: id, status: jobStatus });
