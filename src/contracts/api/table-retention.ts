import { z } from 'zod';
import { documentName, id, tenantId, time } from './common.ts';
import { jobStatus } from './runs.ts';

const table = z.string().min(1).max(300).describe('as the configuration of the source names it');

export const tableRetentionRequest = z.strictObject({ source: documentName, table });
export const tableRetentionAnswer = z.object({
  job_id: id,
  status: jobStatus,
  outcome: z.enum(['accepted', 'duplicate']).describe('duplicate: it is under way'),
});
export const retainedTable = z.object({
  source: documentName,
  table,
  tenant_id: tenantId,
  max_age_days: z.int().nullable(),
  max_rows: z.int().nullable(),
  keep_archives_days: z.int().nullable().describe('null: until somebody deletes them'),
  schedule: z.string().nullable().describe('null: only when somebody asks'),
  next_due_at: time.nullable(),
  last_job: z
    .object({
      id,
      status: jobStatus,
      finished_at: time.nullable(),
      deleted: z.int().nullable(),
      error: z.string().nullable(),
    })
    .nullable(),
});
export const tablePreview = z.object({
  source: documentName,
  table,
  rows: z.int().describe('in the table now'),
  going: z.int().describe('of them, how many a run would archive and delete'),
  limits: z.array(z.string()).describe('what a row must be beyond to go; empty when no row can'),
});
