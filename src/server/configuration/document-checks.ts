import type { z } from 'zod';
import { documentSchemas, type PlanConfig, type SourceConfig } from '../../contracts/config.ts';
import { type DrillConfig, drillCron } from '../../contracts/config-drill.ts';
import { fieldsAt } from '../../contracts/config-fields.ts';
import { problemsOfIssue } from '../../contracts/issue-problems.ts';
import { nearest } from '../../contracts/suggest.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { DocumentKind } from '../catalog/tables/configuration.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { checkSchedule } from '../schedule/cron.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The body with its defaults. Throws `config_invalid` naming the field, never its value; `schedule_invalid`. */
export function checkedBody(kind: DocumentKind, name: string, body: unknown): unknown {
  if (!NAME.test(name)) {
    throw new HoldfastError(
      'config_invalid',
      `"${name}" is not a name: 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit`,
    );
  }
  const result = (documentSchemas[kind] as z.ZodType).safeParse(body);
  if (!result.success) {
    throw new HoldfastError('config_invalid', problemOf(kind, name, body, result.error));
  }
  if (kind === 'plan') {
    const plan = result.data as PlanConfig;
    checkSchedule({ cron: plan.schedule ?? null, timeZone: plan.timeZone ?? null });
    if (plan.drill) checkDrill(name, plan, plan.drill);
  }
  if (kind === 'source') checkTables(result.data as SourceConfig);
  return result.data;
}

function checkTables(source: SourceConfig): void {
  if (source.kind !== 'sqlite' && source.kind !== 'postgres') return;
  for (const { schedule = null } of Object.values(source.tableRetention ?? {})) {
    if (schedule !== null) checkSchedule({ cron: schedule, timeZone: null });
  }
}

function checkDrill(name: string, plan: PlanConfig, drill: DrillConfig): void {
  checkSchedule({ cron: drillCron(drill), timeZone: plan.timeZone ?? null });
  const named = [
    ...drill.mayBeEmpty,
    ...drill.checks.map((check) => (check.kind === 'sql' ? check.source : undefined)),
  ];
  const unknown = named.find((source) => source !== undefined && !plan.sources.includes(source));
  if (unknown === undefined) return;
  throw new HoldfastError('config_invalid', `plan.${name}.drill: "${unknown}" is no source of this plan`);
}

/** As of the same document in the configuration file. */
function problemOf(kind: DocumentKind, name: string, body: unknown, { issues }: z.ZodError): string {
  const issue = { ...issues[0]!, path: [`${kind}s`, name, ...issues[0]!.path] };
  const [first] = problemsOfIssue(issue, { [`${kind}s`]: { [name]: body } }, fieldsAt);
  return `${[kind, ...first!.path.slice(1)].join('.')}: ${first!.message}`;
}

/** Throws `config_invalid` for a plan that names a source or destination which is not there. */
export async function refuseBrokenNames(
  db: CatalogDb,
  kind: DocumentKind,
  name: string,
  body: unknown,
): Promise<void> {
  if (kind !== 'plan') return;
  const named = namesIn(body as PlanConfig);
  for (const wanted of ['source', 'destination'] as const) {
    const rows = await db
      .selectFrom('documents')
      .select('name')
      .where('kind', '=', wanted)
      .where('deleted_at', 'is', null)
      .execute();
    const known = rows.map((row) => row.name);
    const unknown = named[wanted].find((one) => !known.includes(one));
    if (unknown === undefined) continue;
    const meant = nearest(unknown, known);
    const hint = meant ? `did you mean ${meant}?` : `known: ${known.join(', ') || 'none'}`;
    throw new HoldfastError('config_invalid', `plan.${name}: there is no ${wanted} "${unknown}", ${hint}`);
  }
}

/** Throws `in_use` for a source or destination that a plan names. */
export async function refuseInUse(db: CatalogDb, kind: DocumentKind, name: string): Promise<void> {
  if (kind === 'plan' || kind === 'channel') return;
  const plans = await db
    .selectFrom('documents')
    .select(['name', 'body'])
    .where('kind', '=', 'plan')
    .where('deleted_at', 'is', null)
    .orderBy('name')
    .execute();
  const users = plans.filter(({ body }) => namesIn(JSON.parse(body) as PlanConfig)[kind].includes(name));
  if (users.length === 0) return;
  const list = users.map((plan) => plan.name).join(', ');
  throw new HoldfastError('in_use', `${kind} ${name} is used by ${list}`);
}

function namesIn(plan: PlanConfig): { readonly source: string[]; readonly destination: string[] } {
  const placed = [...(plan.destinations ?? []), ...Object.values(plan.separate ?? {}).flat()];
  return {
    source: plan.sources,
    destination: [
      ...(plan.destination === undefined ? [] : [plan.destination]),
      ...placed.map((one) => (typeof one === 'string' ? one : one.name)),
    ],
  };
}
