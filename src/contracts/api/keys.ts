/** The keys of repositories, and the recovery kit. */
import { z } from 'zod';
import { documentName, time } from './common.ts';

export const kitMade = time.nullable().describe('when a kit was last made on the server; null for never');
export const kitState = z.object({
  made_at: kitMade,
  destinations: z.int().describe('how many a kit would tell of'),
  first: z
    .boolean()
    .describe('the server is being set up: a destination, and neither a backup nor a kit yet'),
});
export const kitRequest = z
  .strictObject({
    passphrase: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe('the key goes into the kit, wrapped under this; absent for a kit without a key'),
  })
  .default({});

export const keySlot = z.object({
  slot_id: z.string(),
  key_id: z.string(),
  label: z.string(),
  kind: z.enum(['raw', 'passphrase', 'kms']),
  current: z.boolean().describe('false: it opens what was written up to its epoch'),
  epoch: z.int(),
  created_at: z.string(),
  intact: z.boolean().nullable().describe('false: changed since it was written; null: not known'),
  in_use: z.boolean().describe('the server itself opens the repository with it'),
});
export const keySlots = z.object({
  items: z.array(keySlot),
  kit: z.object({
    made_at: kitMade,
    complete: z.boolean().describe('false: it does not tell of every key that is there now'),
  }),
});
export const keyAdd = z.strictObject({
  key: z.string().min(1).max(4096).describe('a generated key or a passphrase; write-only, never shown'),
  label: z.string().max(256).default(''),
});
export const keySlotId = z.object({ slot_id: z.string() });
export const slotParam = z.strictObject({ name: documentName, slot: z.string().min(1).max(100) });
