import type { Config } from '../contracts/config.ts';
import type { Workplace } from '../server/worker/port.ts';
import { specOf } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import { specOfDestination } from './destination-specs.ts';
import type { LoadedConfig } from './settings.ts';

/** What this machine knows for a worker: its variables, key files and folders. Relative paths are relative to its folder. */
export function workplaceOf(cli: Cli): Workplace {
  const loaded = (config: Config): LoadedConfig => ({ file: 'the catalog', folder: cli.io.folder, config });
  return {
    environment: cli.io.environment,
    destination: (config, name) => specOfDestination(cli, loaded(config), name),
    source: (config, name) => specOf(cli, loaded(config), name, config.sources[name]!),
  };
}
