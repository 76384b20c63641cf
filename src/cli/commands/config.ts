import type { Command } from 'commander';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount } from '../format.ts';
import { configPath, invalidConfig, readConfig } from '../settings.ts';

export function addConfig(program: Command, action: Action): void {
  const config = program
    .command('config')
    .description('check the configuration file, or print its JSON Schema');
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
}

async function check(cli: Cli): Promise<CommandResult> {
  const file = configPath(cli.io, cli.options);
  if (file === null) throw new HoldfastError('config_missing');
  const { parseConfig, unsetVariables } = await import('../../contracts/config-file.ts');
  const result = parseConfig(await readConfig(file));
  if ('problems' in result) throw invalidConfig(file, result.problems);
  const unset = unsetVariables(result.config, result.lineOf, cli.io.environment);
  if (unset.length > 0) throw invalidConfig(file, unset);
  const { destinations, sources, plans } = result.config;
  const { keysBesideData, renderKeysBesideData } = await import('../../contracts/key-separation.ts');
  const warnings = keysBesideData(result.config).map(renderKeysBesideData);
  for (const warning of warnings) cli.note(`warning: ${warning}`);
  const counts = [
    formatCount(Object.keys(destinations).length, 'destination'),
    formatCount(Object.keys(sources).length, 'source'),
    formatCount(Object.keys(plans).length, 'plan'),
  ];
  return {
    json: {
      file,
      valid: true,
      destinations: Object.keys(destinations),
      sources: Object.keys(sources),
      plans: Object.keys(plans),
      warnings,
    },
    text: `${file} is valid: ${counts.join(', ')}\n`,
  };
}

async function schema(): Promise<CommandResult> {
  const { configJsonSchema } = await import('../../contracts/config.ts');
  const json = configJsonSchema();
  return { json, text: `${JSON.stringify(json, null, 2)}\n` };
}
