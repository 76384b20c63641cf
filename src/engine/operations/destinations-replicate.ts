import { HoldfastError } from '../base/errors.ts';
import {
  type DestinationSpec,
  participantOf,
  type RunPort,
  refuseRegions,
  withDestinations,
} from './destinations.ts';
import type { CopyFailure } from './replicate.ts';
import { type AmongRequest, type CopiesAt, replicateAmong } from './replicate-among.ts';

export interface ReplicateRequest extends AmongRequest {
  /** What to copy from, nearest first. */
  readonly from: readonly DestinationSpec[];
  /** What to bring up to date. A destination may be in both. */
  readonly to: readonly DestinationSpec[];
}

/** How a destination stands after a replication. */
export interface ReplicatedTo extends CopiesAt {
  readonly address: string;
}

export interface ReplicateOutcome {
  readonly destinations: readonly ReplicatedTo[];
  /** Destinations that do not answer; those to copy to are among `destinations`, too. */
  readonly down: readonly { readonly destination: string; readonly failure: CopyFailure }[];
}

/**
 * Brings destinations what they lack from each other. One that is down does not keep the others from it. Throws
 * `region_refused` when a plan is named whose data may not lie at a target, and the failure when no source answers.
 */
export async function replicateBetween(request: ReplicateRequest, port: RunPort): Promise<ReplicateOutcome> {
  const { from, to, ...filter } = request;
  if (filter.plan !== undefined) refuseRegions(to, filter.plan);
  return withDestinations(port, async (tried) => {
    const up = new Map<DestinationSpec, ReturnType<typeof participantOf>>();
    const down = new Map<DestinationSpec, CopyFailure>();
    for (const spec of new Set([...from, ...to])) {
      const { engine, failure } = await tried(spec);
      if (engine) up.set(spec, participantOf(spec, engine));
      else down.set(spec, failure);
    }
    const participants = (specs: readonly DestinationSpec[]) =>
      specs.flatMap((spec) => (up.has(spec) ? [up.get(spec)!] : []));
    const sources = participants(from);
    if (sources.length === 0) throw errorOf(down.get(from[0]!)!);
    const outcomes = await replicateAmong(sources, participants(to), filter);
    return {
      destinations: to.map((spec) => ({ ...standOf(spec, outcomes, down), address: spec.address })),
      down: [...down].map(([{ name }, failure]) => ({ destination: name, failure })),
    };
  });
}

function standOf(
  spec: DestinationSpec,
  outcomes: readonly CopiesAt[],
  down: ReadonlyMap<DestinationSpec, CopyFailure>,
): CopiesAt {
  const failure = down.get(spec);
  if (!failure) return outcomes.find(({ name }) => name === spec.name)!;
  return {
    ...{ name: spec.name, copied: [], storedBytes: 0, missing: [], leftOut: [] },
    failures: [failure],
    isKnown: false,
  };
}

/** A failure kept in an outcome, as the error it was. */
export function errorOf({ code, message, next }: CopyFailure): HoldfastError {
  return new HoldfastError(code, message, { next });
}
