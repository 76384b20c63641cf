/** The part of a plan that says how its backups are proven: `drill`. */
import { z } from 'zod';
import { environmentName, name, text } from './config-destination.ts';
import { isKeyName } from './config-hooks.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const comparison = z.strictObject({
  equals: scalar.optional(),
  not: scalar.optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  above: z.number().optional(),
  below: z.number().optional(),
});

const expectation = z
  .union([scalar, comparison.extend({ rows: z.array(z.array(scalar)).optional() })])
  .describe('The one value, or a comparison (atLeast, atMost, above, below, equals, not), or all rows.');

const seconds = (what: string, most: number, usual: number) =>
  z.number().min(0.1).max(most).default(usual).describe(`${what} Default ${usual}.`);

/** `${NAME}` in what checks are given; of Holdfast's own variables, but none that opens backups. */
const given = z
  .string()
  .refine(
    (value) => ![...value.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].some(([, one]) => isKeyName(one!)),
    'must not hold a key or login of a destination',
  );

const environment = z
  .record(environmentName, given)
  .default({})
  .describe(
    'Variables, nothing else is inherited. {NAME} stands for what was restored of a source or artifact, ${NAME} for a variable of Holdfast, such as a secret.',
  );
const folder = text.optional().describe('Where it is started. Default: the root folder.');
const command = text.describe(
  'Run by /bin/sh. {NAME} stands for what was restored: a path, or the address of a database.',
);

const sqlCheck = z.strictObject({
  kind: z.literal('sql'),
  name: text.max(200).optional(),
  source: name.optional().describe('A database of the plan. Default: the only one.'),
  query: text.describe('One statement. It runs in a read-only transaction of the restored database.'),
  expect: expectation,
  timeoutSeconds: seconds('Longer is a failure.', 3600, 60),
});

const httpCheck = z.strictObject({
  name: text.max(200).optional(),
  path: text.regex(/^\//, 'must begin with /').describe('{NAME} stands for what an earlier request saved.'),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  headers: z.record(text, given).default({}).describe('${NAME} stands for a variable of Holdfast.'),
  body: given.optional().describe('${NAME} stands for a variable of Holdfast.'),
  status: z.int().min(100).max(599).default(200),
  header: z.record(text, z.string()).default({}).describe('Headers of the answer, by name.'),
  json: z
    .record(text, z.union([scalar, z.strictObject({ exists: z.boolean() }), comparison]))
    .default({})
    .describe('Values in the answer by path, such as keys.0.kid.'),
  contains: text.optional().describe('Text in the body.'),
  save: z
    .record(name, text)
    .default({})
    .describe('Names for values in the answer, by path, for later requests.'),
  timeoutSeconds: seconds('Longer is a failure.', 600, 10),
});

const applicationCheck = z.strictObject({
  kind: z.literal('application'),
  name: text.max(200).default('application'),
  command,
  folder,
  environment,
  port: z.int().min(1).max(65_535).optional().describe('Default: a free one, which is in PORT and {port}.'),
  answersAt: text.regex(/^\//, 'must begin with /').default('/').describe('Asked until it answers.'),
  startSeconds: seconds('How long it may take to answer.', 3600, 60),
  stopSeconds: seconds('Between SIGTERM and SIGKILL.', 600, 10),
  http: z.array(httpCheck).default([]).describe('Asked one after the other; cookies go along.'),
});

const commandCheck = z.strictObject({
  kind: z.literal('command'),
  name: text.max(200).optional(),
  command: command.describe('Run by /bin/sh; exit code 0 is green.'),
  folder,
  environment,
  timeoutSeconds: seconds('Longer is a failure.', 86_400, 300),
});

export const drillCheck = z.discriminatedUnion('kind', [sqlCheck, applicationCheck, commandCheck]);

export const drill = z
  .strictObject({
    schedule: text
      .optional()
      .describe('When a drill runs: monthly, quarterly, or a cron expression of five fields.'),
    afterBackups: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Also after every so many backups of the plan.'),
    folder: text
      .optional()
      .describe(
        'Where drills have their private folders. Default /var/tmp. It needs room for what is restored.',
      ),
    postgres: z
      .strictObject({
        serverEnv: environmentName
          .optional()
          .describe(
            'Variable with the address of a server on which scratch databases are made. Default: a throwaway server from the programs of this machine.',
          ),
        programs: z.array(text).default([]).describe('Folders with initdb and postgres, looked at first.'),
      })
      .prefault({}),
    network: z
      .enum(['none', 'required-none', 'open'])
      .default('none')
      .describe(
        'none: what is started has no network where the kernel allows it; required-none: else the drill fails; open: it has.',
      ),
    mayBeEmpty: z.array(name).default([]).describe('Sources whose database may have no rows.'),
    checks: z
      .array(drillCheck)
      .default([])
      .describe('In this order, after the content of everything was compared.'),
  })
  .describe('How backups of this plan are proven.');

export type DrillConfig = z.output<typeof drill>;

/** On the first of a month, in the night. */
const NAMED_TIMES = { monthly: '0 4 1 * *', quarterly: '0 4 1 1,4,7,10 *' } as const;

/** `schedule` as a cron expression; null for none. It need not be a valid one. */
export function drillCron({ schedule }: Pick<DrillConfig, 'schedule'>): string | null {
  if (schedule === undefined) return null;
  return Object.hasOwn(NAMED_TIMES, schedule) ? NAMED_TIMES[schedule as keyof typeof NAMED_TIMES] : schedule;
}

const ms = (value: number) => Math.round(value * 1000);

/** Settings as the engine takes them. `postgresServer` is the address that `serverEnv` holds, null without one. */
export function drillSettings(config: DrillConfig | undefined, postgresServer: string | null) {
  const { checks, folder, postgres, network, mayBeEmpty } = config ?? drill.parse({});
  return {
    ...{ network, mayBeEmpty, postgresServer },
    folder: folder ?? null,
    postgresPrograms: postgres.programs,
    checks: checks.map((check, i) => settingsOf(check, i)),
  };
}

function settingsOf(check: DrillConfig['checks'][number], position: number) {
  const unnamed = `${check.kind} ${position + 1}`;
  if (check.kind === 'sql') {
    const { query, expect, timeoutSeconds } = check;
    return {
      ...{ kind: check.kind, query, expect: expect as never, timeoutMs: ms(timeoutSeconds) },
      name: check.name ?? unnamed,
      source: check.source ?? null,
    };
  }
  const started = { command: check.command, folder: check.folder ?? null, environment: check.environment };
  if (check.kind === 'command') {
    return { ...started, kind: check.kind, name: check.name ?? unnamed, timeoutMs: ms(check.timeoutSeconds) };
  }
  const { kind, port, answersAt, startSeconds, stopSeconds, http } = check;
  return {
    ...{ ...started, kind, name: check.name, port: port ?? null, answersAt },
    ...{ startTimeoutMs: ms(startSeconds), stopTimeoutMs: ms(stopSeconds) },
    http: http.map(({ name: given, body, header, contains, timeoutSeconds, json, ...rest }) => ({
      ...{ ...rest, body: body ?? null, responseHeaders: header, contains: contains ?? null },
      json: json as never,
      name: given ?? `${rest.method} ${rest.path}`,
      timeoutMs: ms(timeoutSeconds),
    })),
  };
}
