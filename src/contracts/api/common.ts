/** What all of the API shares. Fields are in snake_case; bodies of plans, sources and destinations are those of holdfast.yaml. */
import { z } from 'zod';
import { TENANT_ID_RULE } from '../config-settings.ts';

export const time = z.iso.datetime().describe('ISO 8601, UTC');
export const tenantId = z
  .string()
  .regex(TENANT_ID_RULE, 'is not a valid tenant id')
  .nullable()
  .describe('null for what belongs to no tenant');
export const backupType = z.enum(['db', 'storage', 'full']);
export const id = z.string().min(1).max(100);
export const documentName = z.string().min(1).max(64);

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().min(1).max(300).optional().describe('`next` of the page before'),
};

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable().describe('null on the last page') });

export const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('see docs/errors.md'),
    next: z.string().describe('what to do next'),
    retryable: z.boolean(),
    request_id: z.string(),
    errors: z
      .array(
        z.object({
          field: z.string(),
          message: z.string(),
          line: z.int().nullish(),
          column: z.int().nullish(),
        }),
      )
      .optional(),
  })
  .describe('RFC 9457');

/** The answers of a route: one that is meant, and a problem for everything else. */
export const answers = <T extends z.ZodType, S extends number = 200>(schema: T, status?: S) =>
  ({ [status ?? 200]: schema, default: problem }) as { [K in S]: T } & { default: typeof problem };

export const nothing = z.object({}).describe('nothing');

export const iso = (ms: number) => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null) => (ms === null ? null : iso(ms));
