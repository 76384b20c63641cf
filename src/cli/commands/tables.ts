import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError } from '../../engine/base/errors.ts';
import type { SourceSpec } from '../../engine/index.ts';
import { specOf } from '../choose-plan.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { givenSource } from '../database-login.ts';
import { formatCount, printable } from '../format.ts';
import { loadEngine, withProgress } from '../open-engine.ts';
import { isPostgresAddress } from '../recognise-source.ts';
import { homeFolder, loadConfig } from '../settings.ts';

export function addTables(program: Command, action: Action): void {
  const tables = program.command('tables').description('tables of a database as NDJSON files');
  tables
    .command('dump')
    .description('write tables of one moment into a folder; the summary is JSON on standard output')
    .argument('<source>', 'a source of the configuration, an SQLite file or a postgres:// address')
    .argument('<folder>', 'where the files go, one for each table')
    .option(
      '--table <name...>',
      'tables, with their schema where it is needed; default: those the source names',
    )
    .addHelpText(
      'after',
      examples(
        'holdfast tables dump orders ./audit --table audit_log',
        'holdfast tables dump postgres://app@localhost/orders ./audit --table audit_log sales.invoices',
      ),
    )
    .action(action(dump));
}

async function dump(
  cli: Cli,
  text: string,
  folder: string,
  options: { readonly table?: readonly string[] },
): Promise<CommandResult> {
  const source = await sourceNamed(cli, text);
  const ownTables = 'tables' in source ? (source.tables ?? []) : [];
  const tables = [...new Set(options.table ?? ownTables)];
  if (tables.length === 0) {
    throw new HoldfastError('usage', 'no table was named', { next: 'name one with --table' });
  }
  const { dumpTables } = await loadEngine(cli);
  const summary = await withProgress(cli, (progress) =>
    dumpTables({
      ...{ source, tables, progress, signal: cli.signal },
      folder: resolve(cli.io.folder, folder),
      scratchRoot: join(homeFolder(cli.io), 'state', 'scratch'),
    }),
  );
  const count = formatCount(Object.keys(summary.counts).length, 'table');
  cli.note(`${count} written to ${printable(summary.outDir)}`);
  return { json: summary, text: `${JSON.stringify(summary)}\n` };
}

async function sourceNamed(cli: Cli, text: string): Promise<SourceSpec> {
  if (!isPostgresAddress(text)) {
    const loaded = await loadConfig(cli.io, cli.options);
    const source = loaded?.config.sources[text];
    if (loaded && source) return specOf(cli, loaded, text, source);
  }
  return givenSource(cli, text);
}
