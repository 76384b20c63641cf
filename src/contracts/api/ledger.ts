import { z } from 'zod';
import { STREAMS } from '../ledger-entry.ts';
import { tenantId } from './common.ts';

export const stream = z.enum(STREAMS);

export const ledgerQuery = z.strictObject({
  stream: stream.default('audit_vault').describe('what was done, or what was read of backups'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.coerce.number().int().min(1).optional().describe('`next` of the page before'),
  tenant_id: tenantId.unwrap().optional(),
  action: z.string().max(200).optional().describe('`key` also finds `key.rotate`'),
  object_id: z.string().min(1).max(200).optional().describe('what it was about, such as a backup'),
});

export const ledgerPage = z.object({
  items: z.array(
    z
      .object({ seq: z.int(), at: z.string(), action: z.string(), outcome: z.string(), key_id: z.string() })
      .loose()
      .describe('as it is signed; see docs/format.md'),
  ),
  next: z.int().nullable(),
});

export const ledgerHeads = z.object({
  ledger_id: z.string().nullable().describe('null for a ledger that has not begun'),
  heads: z.array(z.object({ stream, seq: z.int(), hash: z.string() })),
});
