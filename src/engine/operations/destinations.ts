import { codeOf, HoldfastError, hasOwnStep } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { type Engine, type OpenEngineOptions, openEngine } from './engine.ts';
import { type CopyFailure, failureOf } from './replicate.ts';
import type { Participant } from './replicate-among.ts';
import type { RetentionInput } from './rotate.ts';

/** One of several destinations, not opened yet. */
export interface DestinationSpec {
  /** For people, unique among those given together. */
  readonly name: string;
  /** For people, without credentials. */
  readonly address: string;
  /** Where the data lies, as the operator calls it; null when nobody said. */
  readonly region: string | null;
  /** What opens it. When this rejects, for instance for a key that is not there, the destination counts as down. */
  readonly options: () => Promise<Omit<OpenEngineOptions, 'progress' | 'signal'>>;
  /** Retention there; a null plan is a backup without one. */
  readonly rulesOf: (plan: string | null) => RetentionInput;
  /** Regions the data of a plan may lie in; null for any. */
  readonly regionsOf: (plan: string | null) => readonly string[] | null;
}

export interface RunPort {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A destination that was tried: open, or down. */
export type TriedDestination =
  | { readonly spec: DestinationSpec; readonly engine: Engine; readonly failure: null }
  | { readonly spec: DestinationSpec; readonly engine: null; readonly failure: CopyFailure };

/** Errors that say something about a destination and nothing about what is backed up: another one may still do. */
const ABOUT_DESTINATION: ReadonlySet<string> = new Set([
  ...['storage_unreachable', 'storage_denied', 'storage_full', 'storage_io', 'host_key_unknown'],
  ...['host_key_changed', 'bucket_missing', 'repository_missing', 'repository_newer', 'object_missing'],
  ...['object_damaged', 'object_exists', 'chunk_missing', 'manifest_forged', 'bundle_malformed'],
  ...['key_wrong', 'key_missing', 'key_malformed', 'space_low', 'run_too_long', 'clock_skew', 'id_unknown'],
]);

export const isAboutDestination = (error: unknown) => ABOUT_DESTINATION.has(codeOf(error) ?? '');

/** Opens a destination and tells its warnings. Throws what `openEngine` throws. The caller closes the engine. */
export async function openDestination(spec: DestinationSpec, { progress, signal }: RunPort): Promise<Engine> {
  const engine = await openEngine({ ...(await spec.options()), progress, signal }).catch((error: unknown) => {
    throw explained(error, spec);
  });
  for (const warning of engine.warnings) progress.warn(`${spec.name}: ${warning}`);
  return engine;
}

/** Names the destination where an error does not. */
function explained(error: unknown, { name, address }: DestinationSpec): unknown {
  if (!(error instanceof HoldfastError)) return error;
  if (error.code === 'repository_missing' && !hasOwnStep(error)) {
    return new HoldfastError('repository_missing', error.message, {
      cause: error,
      next: `run holdfast init --destination ${name}, or check that its disk or server is the right one`,
    });
  }
  return atDestination(error, address);
}

/** What a destination complains of names the object; which destination it is must not be guessed. */
export function atDestination(error: unknown, address: string): unknown {
  if (!(error instanceof HoldfastError) || error.message.includes(address)) return error;
  if (!error.code.startsWith('storage_') && !error.code.startsWith('key_')) return error;
  return new HoldfastError(error.code, `${address}: ${error.message}`, { cause: error, next: error.next });
}

/** Opens one that may be down: then the failure is in the result. Throws what would hit any other, too, and `interrupted`. */
export async function tryDestination(spec: DestinationSpec, port: RunPort): Promise<TriedDestination> {
  try {
    return { spec, engine: await openDestination(spec, port), failure: null };
  } catch (error) {
    if (port.signal.aborted) throw new HoldfastError('interrupted', undefined, { cause: error });
    if (!isAboutDestination(error)) throw error;
    return { spec, engine: null, failure: failureOf(error, null) };
  }
}

/** `anew` opens one again that was tried before. */
export type TryDestination = (
  spec: DestinationSpec,
  options?: { readonly anew?: boolean },
) => Promise<TriedDestination>;

/** Does work with destinations that are opened as it asks for them, each once, and closes them, whatever happens. */
export async function withDestinations<T>(
  port: RunPort,
  work: (tried: TryDestination) => Promise<T>,
): Promise<T> {
  const opened = new Map<DestinationSpec, Promise<TriedDestination>>();
  try {
    return await work(async (spec, { anew = false } = {}) => {
      if (anew) await (await opened.get(spec))?.engine?.close();
      const known = (anew ? undefined : opened.get(spec)) ?? tryDestination(spec, port);
      opened.set(spec, known);
      return known;
    });
  } finally {
    for (const one of opened.values()) {
      const tried = await one.catch(() => null);
      await tried?.engine?.close();
    }
  }
}

/** Why data may not lie at a destination; null when it may. */
export function regionRefusal(
  { name, region }: Pick<DestinationSpec, 'name' | 'region'>,
  regions: readonly string[] | null,
): string | null {
  if (regions === null || (region !== null && regions.includes(region))) return null;
  const place = region === null ? 'has no region' : `is in region ${region}`;
  return `${name} ${place}, and only ${regions.join(' or ')} is allowed`;
}

/** Throws `region_refused` for the first destination where data of a plan may not lie. */
export function refuseRegions(specs: readonly DestinationSpec[], plan: string | null): void {
  for (const spec of specs) {
    const refusal = regionRefusal(spec, spec.regionsOf(plan));
    if (refusal !== null) throw new HoldfastError('region_refused', `the destination ${refusal}`);
  }
}

/** An opened destination as one that is copied to and from. */
export function participantOf(spec: DestinationSpec, engine: Engine): Participant {
  return {
    name: spec.name,
    place: engine.copyPlace,
    rulesOf: spec.rulesOf,
    refusalOf: (plan) => regionRefusal(spec, spec.regionsOf(plan)),
  };
}
