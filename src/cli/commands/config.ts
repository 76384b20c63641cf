import type { Command } from 'commander';
import type { Config } from '../../contracts/config.ts';
import type { BrokenReference } from '../../contracts/config-references.ts';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { applyConfig, diffConfig, exportConfig } from '../config-catalog.ts';
import { formatCount } from '../format.ts';
import { collect } from '../option-values.ts';
import { configPath, invalidConfig, readConfig } from '../settings.ts';

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
  const { parseConfig, problem, unsetVariables } = await import('../../contracts/config-file.ts');
  const result = parseConfig(await readConfig(file));
  if ('problems' in result) throw invalidConfig(file, result.problems);
  const unset = unsetVariables(result.config, result.placeOf, cli.io.environment);
  if (unset.length > 0) throw invalidConfig(file, unset);
  const schedules = await brokenSettings(result.config);
  if (schedules.length > 0) {
    const problems = schedules.map(({ path, message }) => problem(path, message, result.placeOf));
    throw invalidConfig(file, problems);
  }
  const { destinations, sources, plans, tenants } = result.config;
  const { keysBesideData, renderKeysBesideData } = await import('../../contracts/key-separation.ts');
  const warnings = keysBesideData(result.config).map(renderKeysBesideData);
  for (const warning of warnings) cli.note(`warning: ${warning}`);
  const counts = [
    formatCount(Object.keys(destinations).length, 'destination'),
    formatCount(Object.keys(sources).length, 'source'),
    formatCount(Object.keys(plans).length, 'plan'),
    ...(Object.keys(tenants).length === 0 ? [] : [formatCount(Object.keys(tenants).length, 'tenant')]),
  ];
  if (isServers(result.config)) cli.note(SERVERS);
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

/** Looked at only where there are any: what knows about schedules takes its time to load. */
async function brokenSettings(config: Config): Promise<readonly BrokenReference[]> {
  const scopes = [config.settings, ...Object.values(config.tenants).map(({ settings }) => settings)];
  if (scopes.every((values) => Object.keys(values).length === 0)) return [];
  const { brokenSchedules } = await import('../../server/configuration-file/broken-schedules.ts');
  return brokenSchedules(config);
}

async function schema(): Promise<CommandResult> {
  const { configJsonSchema } = await import('../../contracts/config.ts');
  const json = configJsonSchema();
  return { json, text: `${JSON.stringify(json, null, 2)}\n` };
}
