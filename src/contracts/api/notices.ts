import { z } from 'zod';
import { pageQuery, tenantId, time } from './common.ts';

export const deliveryStatus = z.enum(['waiting', 'delivered', 'failed', 'dropped']);

export const noticeQuery = z.strictObject({ ...pageQuery, channel: z.string().max(64).optional() });

export const delivery = z.object({
  id: z.string(),
  created_at: time,
  channel: z.string(),
  kind: z.string(),
  tenant_id: tenantId,
  plan: z.string().nullable(),
  status: deliveryStatus,
  attempts: z.int(),
  next_at: time.nullable(),
  finished_at: time.nullable(),
  last_error: z.string().nullable(),
});

export const channelTest = z.object({
  delivery_id: z.string(),
  ok: z.boolean(),
  answer: z.string().nullable(),
  error: z.string().nullable(),
  duration_ms: z.number(),
});
