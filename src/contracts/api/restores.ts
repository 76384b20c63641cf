/** Restores by the service: planned, done, and taken back. */
import { z } from 'zod';
import { id, time } from './common.ts';
import { job } from './runs.ts';

const target = z.string().min(1).max(4096).describe('a folder, a file, or the name of a stored source');
const confirmed = z.literal(true, 'must be true').describe('nothing is replaced without it');
const graceSeconds = z
  .number()
  .min(0)
  .max(3600)
  .default(10)
  .describe('how long running transactions of a database that is exchanged may go on');

export const restoreMode = z
  .enum(['beside', 'replace', 'safe'])
  .describe(
    'beside: what is there stays as it is, the restored one gets a name beside it. safe: restored beside, checked, then exchanged, and what was there is kept until it is dropped. replace: in place, without a way back but the safety backup.',
  );
const wanted = {
  backup_id: id,
  item: z.string().min(1).max(4096).optional().describe('one artifact, table or file; default all'),
  to: target,
  mode: restoreMode.default('safe'),
  tenant: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('only the rows of one tenant, into a database that others share'),
  safety_backup: z.boolean().default(true).describe('what is replaced is backed up first'),
  grace_seconds: graceSeconds,
};

export const restoreRequest = z.strictObject({
  ...wanted,
  plan_only: z
    .boolean()
    .default(false)
    .describe('of a tenant: the job finds out what would change, and ends'),
  confirm_restore: confirmed,
});
export const restorePlanRequest = z.strictObject(wanted);
export const restorePlan = z.object({
  backup_id: id,
  from: z.string().describe('the destination that was asked'),
  mode: restoreMode,
  target: z.string().describe('where it goes, without a password'),
  steps: z.array(
    z.object({
      item: z.string(),
      kind: z.string(),
      target: z.string(),
      size_bytes: z.number(),
      tables: z.int().nullable().describe('null for what is no database'),
      rows: z.int().nullable(),
      replaces: z.boolean(),
    }),
  ),
  there: z
    .object({
      kind: z.enum(['database', 'file', 'folder', 'nothing']),
      size_bytes: z.number().nullable(),
      entries: z.int().nullable().describe('of a folder'),
      tables: z.int().nullable().describe('of a database'),
      rows: z.int().nullable().describe('of a database, as it estimates them'),
      more: z.boolean().describe('it was not counted to the end'),
    })
    .describe('what is at the target now'),
  replaces: z.boolean(),
  safety_backup: z.boolean().describe('whether one would be made'),
  words: z.array(z.string()).describe('the same for people'),
  obstacles: z.array(z.string()).describe('why it would be refused; empty when nothing speaks against it'),
});

export const restoreJob = job.extend({
  request: z.object({
    action: z.enum(['restore', 'switch-back', 'drop-old']),
    backup_id: id.nullable(),
    item: z.string().nullable(),
    to: z.string(),
    mode: restoreMode.nullable(),
    tenant: z.string().nullable(),
    plan_only: z.boolean(),
  }),
});

export const switched = z.object({
  target: z.string().describe('without a password'),
  kind: z.enum(['postgres', 'file', 'folder']),
  state: z
    .enum(['switched', 'switched-back', 'unfinished'])
    .describe('unfinished: under way, or interrupted and not cleared up yet'),
  backup_id: id,
  safety_backup_id: id.nullable(),
  started_at: time,
  switched_at: time.nullable(),
  kept_at: z
    .string()
    .describe('the old one, or after switching back the restored one: a path, or a database there'),
  is_there: z.boolean().nullable().describe('null for a database, which is not asked'),
});
export const switchRequest = z.strictObject({
  to: z.string().min(1).max(4096).describe('a `target` of the list, a path, or the name of a stored source'),
  grace_seconds: graceSeconds,
  confirm_restore: confirmed,
});
