import { z } from 'zod';
import { drillCheck } from '../config-drill.ts';
import { documentName, id, pageQuery, tenantId, time } from './common.ts';
import { jobStatus } from './runs.ts';

const count = z.int().min(0);
const result = z
  .enum(['green', 'red'])
  .describe('green only when it ran to its end and every check is green');
const durationMs = count.nullable();
const failure = z.object({ code: z.string(), message: z.string(), next: z.string() });

export const drillRequest = z
  .strictObject({
    plan: documentName.optional().describe('its newest backup is drilled'),
    backup_id: id.optional().describe('this backup is drilled'),
    checks: z
      .array(drillCheck)
      .max(100)
      .optional()
      .describe(
        'Instead of those of the plan: a trial run. It proves nothing about the plan and alerts nobody.',
      ),
  })
  .refine((one) => (one.plan === undefined) !== (one.backup_id === undefined), {
    message: 'needs either plan or backup_id',
    path: ['plan'],
  });
export const drillAnswer = z.object({
  job_id: id,
  status: jobStatus,
  outcome: z
    .enum(['accepted', 'duplicate'])
    .describe('duplicate: the same was asked for before, or is under way'),
});

export const drill = z.object({
  id,
  job_id: id.nullable().describe('null for one that was not run by this service'),
  plan: z.string().nullable(),
  tenant_id: tenantId,
  backup_id: id.nullable().describe('null when none was found or could be opened'),
  via: z.enum(['schedule', 'after_backups', 'ui', 'api', 'cli']).nullable(),
  requested_by: z.string().nullable(),
  trial: z.boolean().describe('with checks of its own'),
  result,
  started_at: time,
  finished_at: time,
  rto_ms: durationMs.describe('recovery time; null when the data did not come back'),
  rpo_ms: durationMs.describe('age of the data when the drill began'),
  checks: count.describe('how many there were'),
  red_checks: count.describe('how many of them were red'),
  failure: failure.nullable().describe('why it could not run, or not to its end'),
  evidence: z
    .object({ sha256: z.string(), fingerprint: z.string().describe('of the key that signed') })
    .nullable()
    .describe('null where none could be made'),
});

const backup = z.object({ id, type: z.string(), started_at: time, size_bytes: count });
export const trendPoint = z.object({ id, started_at: time, result, rto_ms: durationMs, rpo_ms: durationMs });

export const drillDetail = drill.extend({
  host: z.string().nullable(),
  program: z.string().nullable(),
  destination: z.string().nullable().describe('where it was restored from'),
  repository_id: z.string().nullable(),
  backup: backup.nullable(),
  other_backups: z
    .array(z.object({ id, destination: z.string(), started_at: time }))
    .describe('parts of the same recovery that are backups of their own'),
  phases: z
    .array(z.object({ name: z.string(), duration_ms: count }))
    .describe('in the order of their beginning'),
  check_results: z.array(
    z.object({ name: z.string(), kind: z.string(), status: result, detail: z.string(), duration_ms: count }),
  ),
  tables: z.array(z.object({ source: z.string(), name: z.string(), rows: count })),
  more_tables: count,
  surroundings: z.array(z.string()).describe('how it ran'),
  limits: z.array(z.string()).describe('what it does not prove'),
  trend: z.array(trendPoint).describe('drills of the plan up to this one, oldest first, trials left out'),
  stored_at: z.array(z.string()).describe('destinations that hold the evidence'),
  not_stored: z.array(z.string()).describe('why others do not'),
});

export const drillQuery = z.strictObject({
  ...pageQuery,
  tenant_id: tenantId.unwrap().optional(),
  plan: documentName.optional(),
  backup_id: id.optional(),
  result: result.optional(),
  trial: z.enum(['true', 'false']).optional(),
});
export const drillParam = z.strictObject({ id });
export const evidenceQuery = z.strictObject({
  download: z.enum(['true', 'false']).default('false').describe('as a file to keep'),
});

export const drillPlan = z.object({
  plan: z.string(),
  tenant_id: tenantId,
  schedule: z.string().nullable().describe('monthly, quarterly, or a cron expression; null for none'),
  time_zone: z.string().nullable(),
  after_backups: z.int().nullable(),
  backups_since: count.nullable().describe('since the last drill that came after so many'),
  next_due_at: time.nullable(),
  overdue: z.boolean().describe('a drill was due a day ago, and none has ended since'),
  last_drill: drill.nullable().describe('trials left out'),
  last_proven_at: time.nullable().describe('when the last green one ended'),
  hours_since_proven_restore: z.number().nullable(),
});
