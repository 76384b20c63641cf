import { partsOf } from '../contracts/config-destinations.ts';
import { codeOf } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';
import { specOfDestination } from './destination-specs.ts';
import type { Engine } from './engine-door.ts';
import { type CreatedRepository, createRepository, loadEngine } from './open-engine.ts';
import { configuredDestination, type LoadedConfig } from './settings.ts';

export interface InitiatedDestination extends CreatedRepository {
  readonly name: string;
  /** The destination it shares the borders and names of chunks with; null when with none. */
  readonly like: string | null;
}

export interface InitMode {
  readonly independent: boolean;
  /** One that is there and opens is no error. */
  readonly ifMissing: boolean;
}

/**
 * Makes the repository of one destination of the configuration. Unless `independent`, one that is to hold copies of
 * another that is there cuts and names chunks as that one does; each has keys of its own all the same. See `createRepository`.
 */
export async function initDestination(
  cli: Cli,
  loaded: LoadedConfig,
  name: string,
  { independent, ifMissing }: InitMode,
): Promise<InitiatedDestination> {
  const destination = await configuredDestination(cli.io, loaded, name);
  const kin = independent ? null : await openKin(cli, loaded, name);
  try {
    const created = await createRepository(cli, {
      destination,
      ifMissing,
      ...(kin ? { like: kin.engine } : {}),
    });
    return { name, ...created, like: created.created === false ? null : (kin?.name ?? null) };
  } finally {
    await kin?.engine.close();
  }
}

/** The first other destination that holds copies of the same backups and opens; null when there is none. */
async function openKin(
  cli: Cli,
  loaded: LoadedConfig,
  name: string,
): Promise<{ name: string; engine: Engine } | null> {
  const { openEngine } = await loadEngine(cli);
  for (const other of kinOf(loaded, name)) {
    const spec = await specOfDestination(cli, loaded, other);
    const silent = { phase: () => {}, advance: () => {}, warn: () => {} };
    try {
      const options = await spec.options();
      if (options.layout !== 'repository') continue;
      return { name: other, engine: await openEngine({ ...options, progress: silent, signal: cli.signal }) };
    } catch (error) {
      cli.signal.throwIfAborted();
      if (codeOf(error) === null) throw error;
    }
  }
  return null;
}

function kinOf({ config }: LoadedConfig, name: string): string[] {
  const sets = Object.values(config.plans).flatMap((plan) => partsOf(config, plan));
  const kin = sets.flatMap(({ destinations }) => {
    const names = destinations?.map((one) => one.name) ?? [];
    return names.includes(name) ? names : [];
  });
  return [...new Set(kin)].filter((other) => other !== name);
}
