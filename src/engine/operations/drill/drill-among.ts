/** A drill of a plan with several destinations: from the first that opens, its evidence at all that hold the backup. */
import { asHoldfastError, HoldfastError } from '../../base/errors.ts';
import { type DestinationSpec, openDestination, type RunPort } from '../destinations.ts';
import type { Engine } from '../engine.ts';
import type { DrillRequest } from './drill-types.ts';
import type { DrillOutcome } from './evidence.ts';
import { failedDrill } from './failed-drill.ts';

export interface DrillAmongRequest extends Omit<DrillRequest, 'also'> {
  readonly tenantId: string | null;
  /** Copies of the main part, in the order they are tried. Not empty. */
  readonly specs: readonly DestinationSpec[];
  /** Of parts that lie elsewhere, or make backups of their own. */
  readonly others: readonly (Omit<DrillRequest['also'][number], 'copyPlace'> & {
    readonly specs: readonly DestinationSpec[];
  })[];
  /** Where evidence is kept and what signs it when no destination opens. */
  readonly stateFolder: string;
  readonly signingKeyFile: string;
}

/** Drills. What cannot be opened makes a failed drill with evidence. Throws `interrupted`, `target_failed`. */
export async function drillAmong(request: DrillAmongRequest, port: RunPort): Promise<DrillOutcome> {
  const { specs, others, stateFolder, signingKeyFile, tenantId, ...rest } = request;
  const engines: Engine[] = [];
  const open = async (copies: readonly DestinationSpec[], backupId: string) => {
    const engine = await firstThatOpens(copies, backupId, port);
    engines.push(engine);
    return engine;
  };
  try {
    const also: DrillRequest['also'][number][] = [];
    let engine: Engine;
    try {
      engine = await open(specs, request.backupId);
      for (const { specs: copies, ...what } of others) {
        const { copyPlace } = await open(copies, 'latest');
        also.push({ ...what, copyPlace });
      }
    } catch (error) {
      if (port.signal.aborted) throw new HoldfastError('interrupted');
      const { plan, isTrial = false } = request;
      const destination = specs[0]!.address;
      return await failedDrill({ plan, tenantId, destination, error, stateFolder, signingKeyFile, isTrial });
    }
    const outcome = await engine.drill({ ...rest, also });
    if (request.isTrial) return outcome;
    const opened = (spec: DestinationSpec) => openDestination(spec, port);
    return await storeAtCopies(outcome, { specs, drilled: engine, open: opened });
  } finally {
    for (const engine of engines) await engine.close();
  }
}

/** The first that answers, and holds the backup that is asked for: damage there is the drill's finding. */
async function firstThatOpens(
  specs: readonly DestinationSpec[],
  backupId: string,
  port: RunPort,
): Promise<Engine> {
  let first: unknown = null;
  for (const spec of specs) {
    try {
      const engine = await openDestination(spec, port);
      try {
        if (backupId !== 'latest') await engine.show(backupId);
        return engine;
      } catch (error) {
        await engine.close();
        throw error;
      }
    } catch (error) {
      if (port.signal.aborted) throw error;
      first ??= error;
      if (specs.length > 1)
        port.progress.warn(`${spec.name} is passed over: ${asHoldfastError(error).message}`);
    }
  }
  throw first;
}

export interface Copies {
  readonly specs: readonly DestinationSpec[];
  /** What was drilled. */
  readonly drilled: Engine;
  readonly open: (spec: DestinationSpec) => Promise<Engine>;
}

/** Other destinations of the plan that hold the same backup learn that it was proven, too. */
export async function storeAtCopies(
  outcome: DrillOutcome,
  { specs, drilled, open }: Copies,
): Promise<DrillOutcome> {
  const { copy } = outcome;
  if (copy === null) return outcome;
  const storedAt = [...outcome.storedAt];
  const notStored = [...outcome.notStored];
  for (const spec of specs) {
    if (spec.address === drilled.address) continue;
    try {
      const engine = await open(spec);
      try {
        if (engine.repositoryId === drilled.repositoryId) continue;
        await engine.show(copy.backupId);
        await engine.storeEvidence(copy);
        storedAt.push(engine.address);
      } finally {
        await engine.close();
      }
    } catch (error) {
      const { code, message } = asHoldfastError(error);
      // One that lacks the backup has nothing to prove.
      if (code !== 'id_unknown') notStored.push(`${spec.name}: ${message}`);
    }
  }
  return { ...outcome, storedAt: [...new Set(storedAt)], notStored };
}
