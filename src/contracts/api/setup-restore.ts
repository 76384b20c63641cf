/** Day-0: a fresh server takes back what another had. Only with the setup token, only before there is an owner. */
import { z } from 'zod';
import { s3Fields } from './administration.ts';
import { backupType, id, tenantId, time } from './common.ts';

const key = z.string().min(1).max(4096).describe('the key of the backup; write-only');

export const uploadAnswer = z.object({ upload_id: id, size_bytes: z.number(), sha256: z.string() });
export const openUpload = z.strictObject({ upload_id: id, encryption_key: key });
export const openS3 = z.strictObject({
  ...s3Fields,
  encryption_key: key,
  backup_id: id.optional().describe('default: the newest'),
});
export const listS3 = openS3.omit({ backup_id: true });
export const foundBackups = z.object({
  items: z.array(
    z.object({
      id,
      plan: z.string().nullable(),
      tenant_id: tenantId,
      type: backupType,
      timestamp: time,
      size_bytes: z.number(),
    }),
  ),
});
export const begun = z.object({ restore_id: id });
export const applyRestore = z.strictObject({
  restore_id: id,
  targets: z
    .array(
      z.strictObject({
        item: z
          .string()
          .min(1)
          .max(4096)
          .nullable()
          .default(null)
          .describe('an artifact; null for all of them'),
        to: z.string().min(1).max(4096).describe('an absolute path, or a postgres:// address'),
      }),
    )
    .max(100)
    .default([]),
  catalog: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      'the artifact that is the catalog of the Holdfast to take over: its plans, sources, destinations, channels, settings and tenants',
    ),
  confirm_restore: z.literal(true, 'must be true'),
});
export const restoreState = z.object({
  restore_id: id,
  state: z.enum(['opening', 'opened', 'restoring', 'restored', 'failed']),
  phase: z.string().nullable(),
  bytes_done: z.number(),
  bytes_total: z.number().nullable(),
  backup: z
    .object({
      id,
      plan: z.string().nullable(),
      tenant_id: tenantId,
      timestamp: time,
      artifacts: z.array(z.object({ name: z.string(), kind: z.string(), size_bytes: z.number() })),
    })
    .nullable(),
  restored: z.array(z.object({ item: z.string(), target: z.string(), size_bytes: z.number() })),
  kept: z
    .array(z.object({ target: z.string(), kept_at: z.string() }))
    .describe('what was there before; it can be switched back, or dropped'),
  taken_over: z
    .object({ plans: z.int(), sources: z.int(), destinations: z.int(), channels: z.int(), tenants: z.int() })
    .nullable(),
  warnings: z.array(z.string()),
  error: z.object({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
});
export const stateRequest = z.strictObject({ restore_id: id });
