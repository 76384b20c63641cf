import { join } from 'node:path';
import type { Config } from '../contracts/config.ts';
import type { DestinationSpec } from '../engine/index.ts';
import { type Outbound, outboundPolicy, vettedAgents, vettedDial } from '../server/outbound/index.ts';
import type { Workplace } from '../server/worker/port.ts';
import { specOf } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import { specOfDestination } from './destination-specs.ts';
import { drillNeeds } from './drill-request.ts';
import { homeFolder, type LoadedConfig } from './settings.ts';

/**
 * What this machine knows for a worker: its variables, key files and folders. Relative paths are relative to its folder. Destinations
 * that somebody entered through the API lead to addresses on the internet and to those that HOLDFAST_ALLOWED_ADDRESSES names, nowhere else.
 */
export function workplaceOf(cli: Cli): Workplace {
  const loaded = (config: Config): LoadedConfig => ({ file: 'the catalog', folder: cli.io.folder, config });
  const allowed = (cli.io.environment.HOLDFAST_ALLOWED_ADDRESSES ?? '').split(',').map((part) => part.trim());
  const outbound: Outbound = { policy: outboundPolicy(allowed.filter((part) => part !== '')) };
  const home = homeFolder(cli.io);
  return {
    environment: cli.io.environment,
    destination: async (config, name) => vetted(await specOfDestination(cli, loaded(config), name), outbound),
    source: (config, name) => specOf(cli, loaded(config), name, config.sources[name]!),
    drill: (config, plan) => drillNeeds(cli, loaded(config), plan),
    evidence: { stateFolder: join(home, 'state'), signingKeyFile: join(home, 'signing-key.pem') },
  };
}

/** As many connections as the engine's own. */
const CONNECTIONS = { keepAlive: true, maxSockets: 16 };

function vetted(spec: DestinationSpec, outbound: Outbound): DestinationSpec {
  return {
    ...spec,
    async options() {
      const { storage, ...options } = await spec.options();
      if (!storage) return options;
      const { s3, sftp } = storage;
      return {
        ...options,
        storage: {
          ...storage,
          // Of this opening alone: whoever closes it destroys them.
          ...(s3 && { s3: { ...s3, agents: vettedAgents(outbound, CONNECTIONS) } }),
          ...(sftp && { sftp: { ...sftp, dial: vettedDial(outbound) } }),
        },
      };
    },
  };
}
