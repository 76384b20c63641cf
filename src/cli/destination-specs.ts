import type { PlanConfig } from '../contracts/config.ts';
import { destinationsOf, partsOf } from '../contracts/config-destinations.ts';
import { tableArchiveRules } from '../contracts/table-archives.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';
import type { DestinationSpec } from './engine-door.ts';
import { mask } from './mask.ts';
import { closedEngineOptions, keyTextsOf } from './open-engine.ts';
import { configuredDestination, type Destination, givenDestination, type LoadedConfig } from './settings.ts';

/** A destination of the configuration as the engine takes it. Its keys and logins are read when it is opened. */
export async function specOfDestination(
  cli: Cli,
  loaded: LoadedConfig,
  name: string,
): Promise<DestinationSpec> {
  const destination = await configuredDestination(cli.io, loaded, name);
  return specFor(cli, loaded, destination, name);
}

/** The same for a place that --repository names: in no region, with the rules of the plan. */
export function specOfAddress(
  cli: Cli,
  loaded: LoadedConfig | null,
  destination: Destination,
): DestinationSpec {
  return specFor(cli, loaded, destination, mask(destination.address));
}

function specFor(
  cli: Cli,
  loaded: LoadedConfig | null,
  destination: Destination,
  name: string,
): DestinationSpec {
  const planOf = (plan: string | null): PlanConfig | null => {
    const plans = loaded?.config.plans ?? {};
    return plan !== null && Object.hasOwn(plans, plan) ? plans[plan]! : null;
  };
  return {
    name,
    address: mask(destination.address),
    region: destination.region,
    options: async () => closedEngineOptions(cli, destination, await keyTextsOf(cli, destination)),
    rulesOf(plan) {
      const archive = tableArchiveRules(loaded?.config ?? null, plan);
      if (archive) return archive;
      const config = planOf(plan);
      if (!config) return {};
      const own = destinationsOf(loaded!.config, config).find((one) => one.name === destination.name);
      return (own ?? config).retention;
    },
    regionsOf: (plan) => planOf(plan)?.regions ?? null,
  };
}

/** Sources of a plan that make one backup, and the destinations of its copies, in order. */
export interface PlacedPart {
  readonly sources: readonly string[];
  readonly specs: readonly DestinationSpec[];
  /** Sources of the plan that go to other places. */
  readonly apart: readonly string[];
}

/**
 * What a run of a plan makes and where it goes. An address given on the command line takes the place of the plan's own
 * destinations, not of those that sources are separated into. Throws `usage` when a plan names none of several.
 */
export async function placedParts(cli: Cli, loaded: LoadedConfig, plan: PlanConfig): Promise<PlacedPart[]> {
  const override = await overriddenBy(cli, loaded);
  const parts: PlacedPart[] = [];
  for (const { sources, destinations, apart } of partsOf(loaded.config, plan)) {
    const isOwn = sources.some((source) => plan.separate?.[source] === undefined);
    if (isOwn && override) {
      parts.push({ sources, specs: [override], apart });
      continue;
    }
    if (destinations === null) {
      const names = Object.keys(loaded.config.destinations).join(', ');
      throw new HoldfastError('usage', `${loaded.file} has several destinations: ${names}`, {
        next: 'name one or more in the plan',
      });
    }
    const specs = [];
    for (const { name } of destinations) specs.push(await specOfDestination(cli, loaded, name));
    parts.push({ sources, specs, apart });
  }
  return parts;
}

async function overriddenBy(cli: Cli, loaded: LoadedConfig): Promise<DestinationSpec | null> {
  const given = givenDestination(cli.io, cli.options);
  if (given) return specOfAddress(cli, loaded, given);
  const { destination } = cli.options;
  return destination === undefined ? null : specOfDestination(cli, loaded, destination);
}
