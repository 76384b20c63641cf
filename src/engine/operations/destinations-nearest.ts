import { asHoldfastError, codeOf } from '../base/errors.ts';
import { type DestinationSpec, isAboutDestination, type RunPort, withDestinations } from './destinations.ts';
import { errorOf } from './destinations-replicate.ts';
import { resolveAmong } from './destinations-resolve.ts';
import type { Engine } from './engine.ts';

/** A copy that holds the backup asked for. */
export interface NearCopy {
  readonly destination: string;
  readonly engine: Engine;
  readonly backupId: string;
  /** Why nearer copies did not do. */
  readonly passed: readonly string[];
}

/** True for a folder of this machine. */
const isNear = ({ address }: DestinationSpec) => !/^(?!file:)[a-z][a-z0-9+.-]*:/i.test(address);

/** Folders of this machine first, then in the order given. */
export function nearestFirst(specs: readonly DestinationSpec[]): DestinationSpec[] {
  return [...specs.filter(isNear), ...specs.filter((spec) => !isNear(spec))];
}

/**
 * Does work with the nearest copy of a backup, and when that is damaged or does not answer, with the next: `work` is called
 * again then. `latest` is the newest that any copy holds; one that is down is told. Throws what the work throws when no copy is left, `id_unknown`,
 * `id_ambiguous`.
 */
export async function withNearestCopy<T>(
  specs: readonly DestinationSpec[],
  text: string,
  port: RunPort,
  work: (copy: NearCopy) => Promise<T>,
): Promise<T> {
  return withDestinations(port, async (tried) => {
    const ordered = nearestFirst(specs);
    const passed: string[] = [];
    const pass = (name: string, error: unknown) => {
      const why = `${name} is passed over: ${asHoldfastError(error).message}`;
      passed.push(why);
      port.progress.warn(why);
    };
    let id = text;
    if (text === 'latest') {
      const all = [];
      for (const spec of ordered) {
        const { engine, failure } = await tried(spec);
        all.push({ spec, engine, failures: failure ? [failure] : [] });
        if (failure)
          port.progress.warn(`${spec.name} may hold a newer backup and is not asked: ${failure.message}`);
      }
      id = (await resolveAmong(text, all)).backupId;
    }
    let first: unknown = null;
    let unknown: unknown = null;
    for (const spec of ordered) {
      const { engine, failure } = await tried(spec);
      try {
        if (failure) throw errorOf(failure);
        const backupId = (await engine.show(id)).id;
        return await work({ destination: spec.name, engine, backupId, passed });
      } catch (error) {
        if (port.signal.aborted || !canPass(error)) throw error;
        if (codeOf(error) === 'id_unknown') unknown ??= error;
        else {
          first ??= error;
          pass(spec.name, error);
        }
      }
    }
    throw first ?? unknown;
  });
}

/** What another copy may do better. */
const canPass = (error: unknown) => isAboutDestination(error) || codeOf(error) === 'restore_mismatch';
