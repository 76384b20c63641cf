/** The part of a plan that says when it runs, and who runs it. What is left out comes from the settings. */
import { z } from 'zod';
import { name, text } from './config-destination.ts';
import { DATABASE_LIMITS, defaultHour } from './database-times.ts';

/** Features row R1. */
export const DEFAULT_SCHEDULE = '0 3 * * 1';

const within = ({ min, max }: { readonly min: number; readonly max: number }) => z.int().min(min).max(max);

/** UTC. */
export const databaseHour = within(DATABASE_LIMITS.hour);
export const databaseRetentionDays = within(DATABASE_LIMITS.retentionDays);

const database = z.strictObject({
  enabled: z.boolean().default(true).describe('false leaves it out of every run.'),
  hour: databaseHour
    .optional()
    .describe('Hour of the day at which it is backed up, UTC. Default: 2 for the first, 3 for the others.'),
  retentionDays: databaseRetentionDays.optional().describe('Default: the retention of the plan.'),
});

/** Sources of a plan with an hour and a retention of their own. */
const databases = z
  .record(name, database)
  .transform((all) =>
    Object.fromEntries(
      Object.entries(all).map(([source, one], i) => [source, { ...one, hour: one.hour ?? defaultHour(i) }]),
    ),
  );

export type DatabaseConfig = z.output<typeof databases>[string];

export const scheduleFields = {
  enabled: z.boolean().optional().describe('false: it runs only when somebody asks for it. Default true.'),
  schedule: text
    .nullable()
    .optional()
    .describe(`Cron expression of five fields. Default: the setting, ${DEFAULT_SCHEDULE}. null for never.`),
  timeZone: text.optional().describe('IANA name such as Europe/Berlin. Default: the setting, UTC.'),
  jitterSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .optional()
    .describe('Begins up to this much later, so that not everything begins at once. Default 0.'),
  databases: databases
    .optional()
    .describe('Sources of this plan that are backed up daily at an hour of their own.'),
  label: name.optional().describe('Only a worker that carries this label runs the plan.'),
  hangingAfterMinutes: z
    .int()
    .min(1)
    .max(1440)
    .optional()
    .describe('A run that takes longer is reported as hanging. Default: the setting, 360.'),
};
