/**
 * `holdfast.yaml`: settings, tenants, destinations, sources, plans and channels as code. `docs/holdfast.schema.json` is made from here.
 *
 * Secrets are never in the file: keys are named by environment variable or file, and `${NAME}` stands for an
 * environment variable in the fields that say so (`INTERPOLATED_FIELDS`), nowhere else.
 */
import { z } from 'zod';
import { channel } from './config-channels.ts';
import { destination, environmentName, name, regionLabel, text } from './config-destination.ts';
import { drill } from './config-drill.ts';
import { extraFields, tenantOptions } from './config-extras.ts';
import { hooks } from './config-hooks.ts';
import { scheduleFields } from './config-schedule.ts';
import { globalSettings, TENANT_ID_RULE, tenants } from './config-settings.ts';

export type { KeyReference } from './config-destination.ts';

const sqliteSource = z.strictObject({
  kind: z.literal('sqlite'),
  path: text.describe('The database file. ${NAME} is allowed.'),
  busyTimeoutSeconds: z
    .int()
    .min(0)
    .max(3600)
    .optional()
    .describe('How long to wait for a writer that keeps the database locked. Default 30.'),
  allowDamaged: z
    .boolean()
    .optional()
    .describe('Also backs up a database that fails its integrity check, and says so. Default false.'),
  ...extraFields,
});

const postgresSource = z
  .strictObject({
    kind: z.literal('postgres'),
    url: text
      .regex(/^(postgres(ql)?:\/\/|\$\{[A-Za-z_][A-Za-z0-9_]*\}$)/, 'must begin with postgres://')
      .optional()
      .describe('postgres://user@host/database. ${NAME} is allowed; a password must come from one.'),
    urlEnv: environmentName
      .optional()
      .describe('Name of the variable that holds the address, such as DATABASE_URL.'),
    database: text.optional().describe('Another database of that server than the address names.'),
    globals: z.boolean().default(false).describe('Also the roles and settings of the server.'),
    ...extraFields,
    tenant: tenantOptions.optional(),
  })
  .refine((source) => (source.url === undefined) !== (source.urlEnv === undefined), {
    message: 'needs either url or urlEnv',
    path: ['url'],
  })
  .refine((source) => !hasLiteralPassword(source.url ?? ''), {
    message: 'must not hold a password: write postgres://user:${NAME}@host/database, or use urlEnv',
    path: ['url'],
  });

const filesSource = z
  .strictObject({
    kind: z.literal('files'),
    path: text.optional().describe('One file or folder. ${NAME} is allowed.'),
    paths: z.array(text).min(1).optional().describe('Several. ${NAME} is allowed.'),
    exclude: z.array(text).default([]).describe('Patterns in the syntax of .gitignore.'),
    optional: z.boolean().default(false).describe('Its absence is stated instead of failing the run.'),
    secret: z
      .boolean()
      .optional()
      .describe(
        'Holds keys that open other data, which should lie elsewhere. Default: told by its name (.env, encryption_key …).',
      ),
  })
  .refine((source) => (source.path === undefined) !== (source.paths === undefined), {
    message: 'needs either path or paths',
    path: ['path'],
  });

const commandSource = z.strictObject({
  kind: z.literal('command'),
  command: text.describe('Run by /bin/sh; its standard output is the artifact.'),
  artifactName: name.describe('File name of the artifact, such as volume.tar.'),
  restoreCommand: text.optional().describe('Run by /bin/sh with the artifact on standard input.'),
});

const source = z.discriminatedUnion('kind', [sqliteSource, postgresSource, filesSource, commandSource]);

const countOf = (what: string) => z.int().min(1).max(100_000).nullable().optional().describe(what);

const retention = z.strictObject({
  preset: z
    .enum(['two-weeks', 'standard', 'year', 'archive'])
    .optional()
    .describe('A ready-made set of rules. What stands beside it overrides it.'),
  days: countOf('Limit: nothing older. Default 365 when no keep rule is used; null for no limit.'),
  versions: countOf('Limit: never more. Default 52 when no keep rule is used; null for no limit.'),
  keepLast: countOf('Keeps the newest N.'),
  hourly: countOf('Keeps the last backup of each of N hours.'),
  daily: countOf('Keeps the last backup of each of N days (UTC).'),
  weekly: countOf('Keeps the last backup of each of N weeks (from Monday, UTC).'),
  monthly: countOf('Keeps the last backup of each of N months (UTC).'),
  yearly: countOf('Keeps the last backup of each of N years (UTC).'),
});

/** The rules of a plan, or of one of its destinations. */
export const retentionRules = retention;

const planDestination = z.union([
  name,
  z.strictObject({
    name: name.describe('A destination of this file.'),
    retention: retention.optional().describe('Default: the retention of the plan.'),
  }),
]);

/** Several places for the same backup. */
const planDestinations = z.array(planDestination).min(1, 'must name at least one destination');

const plan = z
  .strictObject({
    sources: z.array(name).min(1, 'must name at least one source'),
    destination: name.optional().describe('Default: the only destination there is.'),
    destinations: planDestinations
      .optional()
      .describe(
        'Several, each with a copy of every backup. The first that answers is written to, the others are copied to.',
      ),
    separate: z
      .record(name, planDestinations)
      .optional()
      .describe('Sources of this plan that go to destinations of their own: keys away from what they open.'),
    regions: z
      .array(regionLabel)
      .min(1, 'must name at least one region')
      .optional()
      .describe('Where the data may lie: destinations with another region, or none, are refused.'),
    type: z.enum(['db', 'storage', 'full']).default('full'),
    tenantId: z.string().regex(TENANT_ID_RULE, 'is not a valid tenant id').nullable().default(null),
    retention: retention.default({}),
    ...scheduleFields,
    hooks: hooks.optional(),
    drill: drill.optional(),
  })
  .refine((one) => one.destination === undefined || one.destinations === undefined, {
    message: 'needs destination or destinations, not both',
    path: ['destinations'],
  })
  .refine((one) => Object.keys(one.databases ?? {}).every((source) => one.sources.includes(source)), {
    message: 'must name sources of this plan',
    path: ['databases'],
  });

/** What each kind of stored document holds: the same as under its name in the file. */
export const documentSchemas = { destination, source, plan, channel } as const;

export const configSchema = z
  .strictObject({
    version: z.literal(1).default(1),
    settings: globalSettings,
    tenants,
    destinations: z.record(name, destination).default({}),
    sources: z.record(name, source).default({}),
    plans: z.record(name, plan).default({}),
    channels: z
      .record(name, channel)
      .default({})
      .describe('Who is told what: webhooks, e-mail, ping addresses.'),
  })
  .describe('Configuration of Holdfast');

export type Config = z.output<typeof configSchema>;
export type DestinationConfig = Config['destinations'][string];
export type SourceConfig = Config['sources'][string];
export type PlanConfig = Config['plans'][string];
export type RetentionConfig = PlanConfig['retention'];

/** Fields in which `${NAME}` stands for an environment variable; `*` is any name or position. */
export const INTERPOLATED_FIELDS = [
  'destinations.*.address',
  'sources.*.path',
  'sources.*.paths.*',
  'sources.*.url',
  'channels.*.url',
] as const;

/** True for `postgres://user:secret@host`; false when the password is empty or a single `${NAME}`. */
function hasLiteralPassword(url: string): boolean {
  const inAuthority = /^postgres(?:ql)?:\/\/[^/?#]*?:([^/?#]*)@/.exec(url)?.[1] ?? '';
  const inQuery = /[?&]password=([^&#]*)/.exec(url)?.[1] ?? '';
  return [inAuthority, inQuery].some((password) => password !== '' && !/^\$\{\w+\}$/.test(password));
}

/** The JSON Schema published as `docs/holdfast.schema.json`: what may be written, defaults not filled in. */
export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'holdfast.yaml' };
}
