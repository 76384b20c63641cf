import { z } from 'zod';
import { documentName, id } from './common.ts';

export const planWork = z.strictObject({ plan: documentName });
export const destinationWork = z.strictObject({ destination: documentName });
export const verifyWork = z.strictObject({
  plan: documentName.optional(),
  destination: documentName.optional(),
  backup_id: id.optional(),
  share: z.number().gt(0).max(1).default(1).describe('part of the stored bytes that is read'),
  heal: z.boolean().default(false).describe('give damaged copies back what others have'),
});
export const holdRequest = z.strictObject({ reason: z.string().min(1).max(500) });
export const copiesChanged = z.object({
  destinations: z.array(z.object({ destination: z.string(), error: z.string().nullable() })),
});
