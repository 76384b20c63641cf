/** What a schema cannot say: names that must exist, and places where the data of a plan may not lie. */
import type { Config, PlanConfig } from './config.ts';
import { regionRefusal } from './config-destinations.ts';
import { OWNED_KINDS } from './config-settings.ts';
import { nearest } from './suggest.ts';

export interface BrokenReference {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Report = (path: BrokenReference['path'], message: string) => void;

/** Names in plans, channels and tenants that nothing carries, names given twice, and destinations in regions that the plan refuses. */
export function brokenReferences(config: Config): BrokenReference[] {
  const found: BrokenReference[] = [];
  const report: Report = (path, message) => void found.push({ path, message });
  for (const [name, plan] of Object.entries(config.plans)) checkPlan(config, name, plan, report);
  for (const [name, channel] of Object.entries(config.channels)) {
    channel.rules?.forEach((rule, i) => {
      rule.plans?.forEach((plan, j) => {
        checkName(
          ['channels', name, 'rules', i, 'plans', j],
          plan,
          'plan',
          Object.keys(config.plans),
          report,
        );
      });
    });
  }
  checkTenants(config, report);
  return found;
}

/** Nothing is the own of two tenants. */
function checkTenants(config: Config, report: Report): void {
  for (const kind of OWNED_KINDS) {
    const owners = new Map<string, string>();
    for (const [id, tenant] of Object.entries(config.tenants)) {
      tenant[`${kind}s`]?.forEach((name, i) => {
        const at = ['tenants', id, `${kind}s`, i];
        checkName(at, name, kind, Object.keys(config[`${kind}s`]), report);
        const owner = owners.get(name);
        if (owner !== undefined) report(at, `the ${kind} "${name}" is named by ${owner} already`);
        owners.set(name, id);
      });
    }
  }
}

function checkPlan(config: Config, name: string, plan: PlanConfig, report: Report): void {
  const at = ['plans', name];
  plan.sources.forEach((source, i) => {
    checkName([...at, 'sources', i], source, 'source', Object.keys(config.sources), report);
  });
  if (plan.destination !== undefined)
    checkDestination(config, plan, [...at, 'destination'], plan.destination, report);
  checkList(config, plan, [...at, 'destinations'], plan.destinations ?? [], report);
  plan.drill?.mayBeEmpty.forEach((source, i) => {
    checkName([...at, 'drill', 'mayBeEmpty', i], source, 'source', plan.sources, report);
  });
  plan.drill?.checks.forEach((check, i) => {
    if (check.kind !== 'sql' || check.source === undefined) return;
    checkName([...at, 'drill', 'checks', i, 'source'], check.source, 'source', plan.sources, report);
  });
  for (const [source, list] of Object.entries(plan.separate ?? {})) {
    const path = [...at, 'separate', source];
    if (!plan.sources.includes(source)) report(path, `"${source}" is not among the sources of the plan`);
    checkList(config, plan, path, list, report);
  }
  const only = Object.keys(config.destinations);
  const isDefault = plan.destination === undefined && plan.destinations === undefined;
  if (isDefault && only.length === 0 && plan.regions) {
    report([...at, 'regions'], 'no destination is named, and the data folder of a machine has no region');
  }
  if (isDefault && only.length === 1) checkRegion(config, plan, [...at, 'regions'], only[0]!, report);
}

function checkList(
  config: Config,
  plan: PlanConfig,
  at: BrokenReference['path'],
  list: NonNullable<PlanConfig['destinations']>,
  report: Report,
): void {
  const seen = new Set<string>();
  list.forEach((one, i) => {
    const name = typeof one === 'string' ? one : one.name;
    if (seen.has(name)) report([...at, i], `"${name}" is named twice`);
    else checkDestination(config, plan, [...at, i], name, report);
    seen.add(name);
  });
}

function checkDestination(
  config: Config,
  plan: PlanConfig,
  at: BrokenReference['path'],
  name: string,
  report: Report,
): void {
  const isKnown = checkName(at, name, 'destination', Object.keys(config.destinations), report);
  if (isKnown) checkRegion(config, plan, at, name, report);
}

function checkRegion(
  config: Config,
  plan: PlanConfig,
  at: BrokenReference['path'],
  name: string,
  report: Report,
): void {
  const refusal = regionRefusal(plan.regions, config.destinations[name]?.region);
  if (refusal !== null) report(at, `the destination "${name}" ${refusal}`);
}

function checkName(
  at: BrokenReference['path'],
  name: string,
  kind: 'source' | 'destination' | 'plan' | 'channel',
  known: readonly string[],
  report: Report,
): boolean {
  if (known.includes(name)) return true;
  const meant = nearest(name, known);
  const hint = meant ? `did you mean ${meant}?` : `known: ${known.join(', ') || 'none'}`;
  report(at, `there is no ${kind} "${name}", ${hint}`);
  return false;
}
