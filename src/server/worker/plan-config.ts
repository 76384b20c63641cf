import type { Config, PlanConfig } from '../../contracts/config.ts';

/** A database with its own hour has backups and retention of its own, under a plan of this name. `/` is in no plan's name. */
export function enginePlan(plan: string, part: string | null): string {
  return part === null ? plan : `${plan}/${part}`;
}

/** What `enginePlan` put together. */
export function splitPlan(name: string | null): {
  readonly plan: string | null;
  readonly part: string | null;
} {
  if (name === null) return { plan: null, part: null };
  const at = name.indexOf('/');
  return at < 0 ? { plan: name, part: null } : { plan: name.slice(0, at), part: name.slice(at + 1) };
}

/** The configuration with a plan for each part, so that retention and regions are found under its name. */
export function withParts(config: Config): Config {
  const plans: [string, PlanConfig][] = Object.entries(config.plans).flatMap(([name, plan]) => [
    [name, plan],
    ...Object.entries(plan.databases ?? {}).map(([part, { retentionDays }]): [string, PlanConfig] => [
      enginePlan(name, part),
      partOf(plan, part, retentionDays),
    ]),
  ]);
  return { ...config, plans: Object.fromEntries(plans) };
}

/** With days of its own, only those count: a daily backup would have more versions than the default keeps. */
function partOf(plan: PlanConfig, part: string, days: number | undefined): PlanConfig {
  const own = plan.separate?.[part];
  return {
    ...plan,
    sources: [part],
    databases: undefined,
    separate: own ? { [part]: own } : undefined,
    retention: days === undefined ? plan.retention : { days, versions: null },
    ...(days === undefined
      ? {}
      : { destinations: plan.destinations?.map((one) => (typeof one === 'string' ? one : one.name)) }),
  };
}

/** The engine's plans of one plan: itself and its parts. */
export function enginePlansOf(name: string, plan: PlanConfig): string[] {
  return [name, ...Object.keys(plan.databases ?? {}).map((part) => enginePlan(name, part))];
}
