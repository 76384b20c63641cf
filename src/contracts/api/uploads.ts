/** Bundles that come in pieces, and go on where they were cut. */
import { z } from 'zod';
import { documentName, id, time } from './common.ts';

export const uploadRequest = z.strictObject({
  size_bytes: z.int().min(1),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hex digits')
    .optional(),
  name: z.string().min(1).max(255).optional().describe('for people'),
});
export const uploadParam = z.strictObject({ id });
export const upload = z.object({
  id,
  name: z.string().nullable(),
  size_bytes: z.number(),
  offset: z.number().describe('bytes that are there'),
  state: z.enum(['receiving', 'complete', 'importing', 'imported', 'failed']),
  sha256: z.string().nullable().describe('of the bytes once all are there; before that as announced'),
  created_at: time,
  expires_at: time.describe('moves on with every byte'),
  backup_id: id.nullable().describe('once it is imported'),
  phase: z.string().nullable(),
  bytes_done: z.number(),
  bytes_total: z.number().nullable(),
  error: z.object({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
});
export const importUpload = z.strictObject({
  destination: documentName.describe('a stored destination of the layout repository'),
  encryption_key: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('of the bundle, where it is not that of the destination; write-only, kept nowhere'),
});
