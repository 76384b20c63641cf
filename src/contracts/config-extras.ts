/** What a database source may give beside the database. */
import { z } from 'zod';
import { name, text } from './config-destination.ts';

const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,119}$/, 'must be a plain file name, such as keys.csv');

const extract = z.strictObject({
  query: text.describe('One statement that gives rows; it is run in a read-only transaction.'),
  format: z.enum(['csv', 'ndjson']).optional().describe('Default: by the end of the name, else csv.'),
});

const days = z.int().min(1).max(100_000);

const tableRetention = z
  .strictObject({
    column: text.describe('Tells the age of a row, or the order of rows.'),
    unit: z
      .enum(['time', 'seconds', 'milliseconds', 'value'])
      .default('time')
      .describe('time: as the database writes times (SQLite: ISO 8601); value: a number that grows.'),
    maxAgeDays: days.optional().describe('Older rows are archived and deleted.'),
    maxRows: z.int().min(1).optional().describe('So do all but the newest so many.'),
    keepArchivesDays: days
      .nullable()
      .default(null)
      .describe('How long archives stay. Default: until somebody deletes them.'),
    schedule: text
      .optional()
      .describe(
        'When the service does it: five cron fields, in the time zone of its settings. Default: when asked.',
      ),
    destination: name.optional().describe('Where archives go. Default: the only destination there is.'),
    batchRows: z
      .int()
      .min(1)
      .max(100_000)
      .default(5000)
      .describe('At most so many rows are deleted at a time; fewer when that takes longer than 50 ms.'),
    pauseMs: z.int().min(0).max(60_000).default(20).describe('At least so long between two batches.'),
    lockTimeoutMs: z
      .int()
      .min(1)
      .max(60_000)
      .default(200)
      .describe('How long a batch waits for a lock before it gives way. PostgreSQL only.'),
  })
  .refine((rule) => rule.maxAgeDays !== undefined || rule.maxRows !== undefined, {
    message: 'needs maxAgeDays or maxRows',
    path: ['maxAgeDays'],
  })
  .refine((rule) => rule.maxAgeDays === undefined || rule.unit !== 'value', {
    message: 'goes with a column of times: say its unit',
    path: ['maxAgeDays'],
  });

export type TableRetentionConfig = z.output<typeof tableRetention>;

export const extraFields = {
  tableRetention: z
    .record(text, tableRetention)
    .optional()
    .describe('Tables that grow, by name: what `holdfast table-retention` archives and deletes.'),
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
