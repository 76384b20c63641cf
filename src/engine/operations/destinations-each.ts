import { HoldfastError } from '../base/errors.ts';
import {
  atDestination,
  type DestinationSpec,
  isAboutDestination,
  type RunPort,
  withDestinations,
} from './destinations.ts';
import { errorOf } from './destinations-replicate.ts';
import type { Engine } from './engine.ts';
import { type CopyFailure, failureOf } from './replicate.ts';

/** What became of work at one destination. */
export type DoneAt<T> = { readonly destination: string; readonly address: string } & (
  | { readonly result: T; readonly failure: null }
  | { readonly result: null; readonly failure: CopyFailure }
);

/**
 * Does the same at each destination, one after the other. One that fails does not keep the others from it. Throws the first
 * failure when all fail, `interrupted`, and what says nothing about a destination, such as `usage`.
 */
export async function eachDestination<T>(
  specs: readonly DestinationSpec[],
  port: RunPort,
  work: (engine: Engine, destination: string) => Promise<T>,
): Promise<DoneAt<T>[]> {
  return withDestinations(port, async (tried) => {
    const done: DoneAt<T>[] = [];
    for (const spec of specs) {
      const place = { destination: spec.name, address: spec.address };
      try {
        const { engine, failure } = await tried(spec);
        if (failure) throw errorOf(failure);
        done.push({ ...place, result: await work(engine, spec.name), failure: null });
      } catch (error) {
        if (port.signal.aborted) throw new HoldfastError('interrupted', undefined, { cause: error });
        if (!isAboutDestination(error)) throw error;
        done.push({ ...place, result: null, failure: failureOf(atDestination(error, spec.address), null) });
      }
    }
    const [first] = done;
    if (first?.failure && done.every(({ failure }) => failure !== null)) throw errorOf(first.failure);
    return done;
  });
}
