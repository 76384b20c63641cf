import type { Command } from 'commander';
import type { Config } from '../../contracts/config.ts';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { applyConfig, diffConfig, exportConfig, refuseBrokenSchedules } from '../config-catalog.ts';
import { formatCount } from '../format.ts';
import { collect } from '../option-values.ts';
import { configPath, invalidConfig, parsedConfig } from '../settings.ts';

export function addConfig(program: Command, action: Action): void {
  const config = program
    .command('config')
    .description('check the configuration file; compare it with the catalog of the server, and apply it');
  config
    .command('check')
    .description('read the configuration and name every mistake with its line')
    .addHelpText(
      'after',
      examples('holdfast config check', 'holdfast config check --config /etc/holdfast.yaml'),
    )
    .action(action(check));
  config
    .command('schema')
    .description('print the JSON Schema of holdfast.yaml, for editors')
    .addHelpText('after', examples('holdfast config schema > holdfast.schema.json'))
    .action(action(schema));
  addCatalogCommands(config, action);
}

function addCatalogCommands(config: Command, action: Action): void {
  config
    .command('export')
    .description('write what the catalog of the server holds as a configuration file')
    .option('--output <file>', 'a new file (default: standard output)')
    .addHelpText('after', examples('holdfast config export > holdfast.yaml'))
    .action(action(exportConfig));
  config
    .command('diff')
    .description(
      'show what applying the file would change, and what was changed elsewhere; exit 1 on any difference',
    )
    .addHelpText('after', examples('holdfast config diff --config /etc/holdfast.yaml'))
    .action(action(diffConfig));
  config
    .command('apply')
    .description('make the catalog what the file says; refuses to overwrite a change made elsewhere')
    .option(
      '--overwrite <kind/name>',
      'overwrite a change made elsewhere that you looked at; may be repeated',
      collect,
    )
    .addHelpText('after', examples('holdfast config apply', 'holdfast config apply --overwrite plan/nightly'))
    .action(action(applyConfig));
}

async function check(cli: Cli): Promise<CommandResult> {
  const file = configPath(cli.io, cli.options);
  if (file === null) throw new HoldfastError('config_missing');
  const parsed = await parsedConfig(file);
  const { config, placeOf } = parsed;
  const { unsetVariables } = await import('../../contracts/config-file.ts');
  const unset = unsetVariables(config, placeOf, cli.io.environment);
  if (unset.length > 0) throw invalidConfig(file, unset);
  await refuseBrokenSchedules(file, parsed);
  const { destinations, sources, plans, tenants } = config;
  const { keysBesideData, renderKeysBesideData } = await import('../../contracts/key-separation.ts');
  const warnings = keysBesideData(config).map(renderKeysBesideData);
  for (const warning of warnings) cli.note(`warning: ${warning}`);
  const counts = [
    formatCount(Object.keys(destinations).length, 'destination'),
    formatCount(Object.keys(sources).length, 'source'),
    formatCount(Object.keys(plans).length, 'plan'),
    ...(Object.keys(tenants).length === 0 ? [] : [formatCount(Object.keys(tenants).length, 'tenant')]),
  ];
  if (isServers(config)) cli.note(SERVERS);
  return {
    json: {
      file,
      valid: true,
      destinations: Object.keys(destinations),
      sources: Object.keys(sources),
      plans: Object.keys(plans),
      tenants: Object.keys(tenants),
      warnings,
    },
    text: `${file} is valid: ${counts.join(', ')}\n`,
  };
}

const SERVERS =
  "settings and tenants are the server's, holdfast config apply brings them there; without it retention.days and retention.versions count";

const isServers = ({ settings, tenants }: Config) =>
  Object.keys(settings).some((key) => !key.startsWith('retention.')) || Object.keys(tenants).length > 0;

async function schema(): Promise<CommandResult> {
  const { configJsonSchema } = await import('../../contracts/config.ts');
  const json = configJsonSchema();
  return { json, text: `${JSON.stringify(json, null, 2)}\n` };
}
