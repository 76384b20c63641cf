import { z } from 'zod';

/** What a webhook receives: exactly these fields (features row N1). */
export const noticePayload = z.strictObject({
  event: z.string().describe('backup_completed, backup_skipped, run_missed …; test from the test button.'),
  tenant_id: z.string().nullable().describe('Null for what belongs to no tenant.'),
  backup_id: z.string().nullable().describe('Null where no backup was made.'),
  status: z.enum(['success', 'failed']),
  message: z.string(),
  timestamp: z.iso.datetime().describe('When it happened, UTC.'),
});

export type NoticePayload = z.output<typeof noticePayload>;

/** The header that signs a webhook: `t=<seconds since 1970>,v1=<hex>`. */
export const SIGNATURE_HEADER = 'Holdfast-Signature';
/** The same for every attempt to deliver one notice. */
export const DELIVERY_HEADER = 'Holdfast-Delivery';
