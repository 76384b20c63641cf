import type { Command } from 'commander';
import type { InitPayload } from '../../contracts/cli-payloads.ts';
import { codeOf, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { type InitiatedDestination, type InitMode, initDestination } from '../init-destinations.ts';
import { createRepository, describeCreation } from '../open-engine.ts';
import { givenDestination, type LoadedConfig, loadConfig } from '../settings.ts';

interface InitOptions {
  readonly independent?: boolean;
  readonly ifMissing?: boolean;
}

export function addInit(program: Command, action: Action): void {
  program
    .command('init')
    .description('make a new encrypted repository; without a key in the environment one is generated')
    .option('--independent', 'share nothing with the other copies, not even where chunks are cut')
    .option('--if-missing', 'succeed also where a repository is already that the key opens')
    .addHelpText(
      'after',
      `
With several destinations in the configuration it makes those that are not there yet; --destination names
one. Copies of each other get keys of their own, and the same secret for cutting and naming chunks, which
opens nothing: so a copy costs no more than the original, whichever of them a backup is written to first.
${examples(
  'holdfast init',
  'holdfast init --repository /mnt/backups/app',
  'holdfast init --destination offsite',
  'holdfast init --if-missing',
  'BACKUP_ENCRYPTION_KEY_FILE=/etc/holdfast.key holdfast init',
)}`,
    )
    .action(action(init));
}

async function init(cli: Cli, options: InitOptions): Promise<CommandResult> {
  const isGiven = givenDestination(cli.io, cli.options) !== null;
  const loaded = isGiven ? null : await loadConfig(cli.io, cli.options);
  const { destination } = cli.options;
  const names = Object.keys(loaded?.config.destinations ?? {});
  const mode = { independent: options.independent === true, ifMissing: options.ifMissing === true };
  if (loaded && (destination !== undefined || names.length > 0)) {
    const created = await initAll(cli, loaded, destination === undefined ? names : [destination], mode);
    const [{ name: _, like: __, ...first }] = created;
    const json: InitPayload = {
      ...first,
      ...(names.length > 1 ? { destinations: created } : {}),
    };
    const text = names.length > 1 ? created.map(describe).join('') : describeCreation(created[0]);
    return { json, text };
  }
  const created = await createRepository(cli, { ifMissing: mode.ifMissing });
  return { json: created, text: describeCreation(created) };
}

/** Those that are there already are told; it is an error only when all are. */
async function initAll(
  cli: Cli,
  loaded: LoadedConfig,
  names: readonly string[],
  mode: InitMode,
): Promise<[InitiatedDestination, ...InitiatedDestination[]]> {
  const created: InitiatedDestination[] = [];
  let exists: unknown = null;
  for (const name of names) {
    if (loaded.config.destinations[name]?.layout === 'bundles') {
      cli.note(`${name}: a destination of bundles needs nothing made`);
      continue;
    }
    try {
      created.push(await initDestination(cli, loaded, name, mode));
    } catch (error) {
      if (codeOf(error) !== 'repository_exists' || names.length === 1) throw error;
      exists ??= error;
      cli.note(`${name}: there is a repository already`);
    }
  }
  const [first, ...others] = created;
  if (first) return [first, ...others];
  if (exists === null) throw new HoldfastError('usage', 'no destination needs a repository');
  throw new HoldfastError(
    'repository_exists',
    `every destination has its repository already: ${names.join(', ')}`,
    {
      cause: exists,
      next: 'use them; where that is as good as making them, run holdfast init --if-missing',
    },
  );
}

function describe({ name, like, ...created }: InitiatedDestination): string {
  const shared = like === null ? '' : `chunks:     cut and named as those of ${like}\n`;
  return `${name}\n${describeCreation(created)}${shared}`;
}
