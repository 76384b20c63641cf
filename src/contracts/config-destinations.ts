/** Which sources of a plan go where: the one place that knows every way to write it. */
import type { Config, PlanConfig, RetentionConfig } from './config.ts';

/** One of the copies of a plan's backups. */
export interface PlanDestination {
  readonly name: string;
  readonly retention: RetentionConfig;
}

/** Sources of a plan that make one backup, and where that goes, in the order of the file. */
export interface PlanPart {
  readonly sources: readonly string[];
  /** Sources of the other parts: they have places of their own, and are not carried on from the places of this one. */
  readonly apart: readonly string[];
  /** Empty when the configuration names no destination at all. */
  readonly destinations: readonly PlanDestination[];
}

/**
 * What a run of a plan makes: one backup of the sources that go to the plan's own destinations, first, and one for
 * each set of destinations that sources are separated into. Null destinations cannot be told: the file has several and the plan
 * names none.
 */
export function partsOf(
  config: Config,
  plan: PlanConfig,
): readonly (PlanPart | (Omit<PlanPart, 'destinations'> & { readonly destinations: null }))[] {
  const own = { sources: [] as string[], destinations: ownDestinations(config, plan) };
  const separated = new Map<string, typeof own>();
  for (const source of plan.sources) {
    const given = plan.separate?.[source];
    if (given === undefined) own.sources.push(source);
    else {
      const destinations = given.map((one) => destinationOf(plan, one));
      const key = JSON.stringify(destinations);
      const part = separated.get(key) ?? { sources: [], destinations };
      separated.set(key, part);
      part.sources.push(source);
    }
  }
  const parts = [own, ...separated.values()].filter(({ sources }) => sources.length > 0);
  return parts.map((part) => ({
    ...part,
    apart: parts.filter((other) => other !== part).flatMap(({ sources }) => sources),
  }));
}

/** Every destination that a plan uses, each once; those of its own first. */
export function destinationsOf(config: Config, plan: PlanConfig): PlanDestination[] {
  const found = new Map<string, PlanDestination>();
  for (const { destinations } of partsOf(config, plan)) {
    for (const destination of destinations ?? []) {
      if (!found.has(destination.name)) found.set(destination.name, destination);
    }
  }
  return [...found.values()];
}

function ownDestinations(config: Config, plan: PlanConfig): readonly PlanDestination[] | null {
  if (plan.destinations) return plan.destinations.map((one) => destinationOf(plan, one));
  if (plan.destination) return [{ name: plan.destination, retention: plan.retention }];
  const names = Object.keys(config.destinations);
  if (names.length > 1) return null;
  return names.map((name) => ({ name, retention: plan.retention }));
}

function destinationOf(
  plan: PlanConfig,
  given: NonNullable<PlanConfig['destinations']>[number],
): PlanDestination {
  if (typeof given === 'string') return { name: given, retention: plan.retention };
  return { name: given.name, retention: given.retention ?? plan.retention };
}

/** Why data of a plan may not lie in a region; null when it may. */
export function regionRefusal(
  regions: readonly string[] | undefined,
  region: string | null | undefined,
): string | null {
  if (regions === undefined || (region && regions.includes(region))) return null;
  const allowed = regions.join(' or ');
  return region
    ? `is in region ${region}, and only ${allowed} is allowed`
    : `has no region, and only ${allowed} is allowed`;
}
