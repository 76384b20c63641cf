/** What a database source may give beside the database. */
import { z } from 'zod';
import { text } from './config-destination.ts';

const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,119}$/, 'must be a plain file name, such as keys.csv');

const extract = z.strictObject({
  query: text.describe('One statement that gives rows; it is run in a read-only transaction.'),
  format: z.enum(['csv', 'ndjson']).optional().describe('Default: by the end of the name, else csv.'),
});

export const extraFields = {
  extracts: z
    .record(fileName, extract)
    .optional()
    .describe('Answers of queries, written beside the database in the same moment, by file name.'),
  tables: z
    .array(text)
    .min(1, 'must name at least one table')
    .optional()
    .describe('Tables also written as NDJSON: tables/<name>.ndjson.'),
  extrasTimeoutSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('How long one extract or table may take. Default 3600.'),
};

const tenantRule = z.union([
  z.enum(['skip', 'all']),
  z.strictObject({
    via: text.describe('Columns of the foreign key to follow, several steps divided by dots.'),
  }),
  z.strictObject({ where: text.describe('Condition on the rows `t`; $tenant stands for the id.') }),
]);

export const tenantOptions = z.strictObject({
  id: text
    .optional()
    .describe(
      'Only the rows of this tenant are backed up. Without it all are, and the rules serve restores.',
    ),
  column: text.default('tenant_id').describe('The column that holds the tenant.'),
  rules: z
    .record(text, tenantRule)
    .default({})
    .describe('By table: skip, all, { via: column } or { where: condition }. Others are derived.'),
});
