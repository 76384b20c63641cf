import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { BundleOpenPayload } from '../../contracts/cli-payloads.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atNearest } from '../each-destination.ts';
import { formatSize, printable } from '../format.ts';
import { aboutFile, openBundleWithKeys, withEngine } from '../open-engine.ts';

interface ExportOptions {
  readonly compression: 'zstd' | 'gzip';
}

export function addBundle(program: Command, action: Action): void {
  const bundle = program.command('bundle').description('a backup as one encrypted file that stands alone');
  bundle
    .command('export')
    .description('write a backup to a file')
    .argument('<id>', 'beginning of an id, or `latest`')
    .argument('<file>', 'new file, such as app.tar.zst.enc')
    .addOption(new Option('--compression <name>').choices(['zstd', 'gzip']).default('zstd'))
    .addHelpText('after', examples('holdfast bundle export latest ./app.tar.zst.enc'))
    .action(action(exportBundle));
  bundle
    .command('open')
    .description('decrypt a bundle into a folder; needs the key and no repository')
    .argument('<file>')
    .argument('<folder>', 'new or empty')
    .addHelpText('after', examples('holdfast bundle open ./app.tar.zst.enc ./opened'))
    .action(action(open));
  bundle
    .command('import')
    .description('add a bundle to the repository as a backup')
    .argument('<file>')
    .addHelpText('after', examples('holdfast bundle import ./app.tar.zst.enc'))
    .action(action(importBundle));
}

async function exportBundle(
  cli: Cli,
  id: string,
  name: string,
  options: ExportOptions,
): Promise<CommandResult> {
  const file = resolve(cli.io.folder, name);
  const { backupId, sizeBytes } = await atNearest(cli, id, (engine, found) =>
    engine.exportBundle({ id: found, file, compression: options.compression }),
  );
  return {
    json: { backupId, file, sizeBytes },
    text: `backup ${backupId} written to ${file} (${formatSize(sizeBytes)})\n`,
  };
}

async function open(cli: Cli, file: string, folder: string): Promise<CommandResult> {
  const target = resolve(cli.io.folder, folder);
  const opened = await openBundleWithKeys(cli, resolve(cli.io.folder, file), target);
  const payload: BundleOpenPayload = { ...opened, folder: target };
  return { json: payload, text: renderOpened(payload) };
}

const SIGNATURES = {
  valid: 'checksums and signature good',
  unchecked: 'checksums good; its signer is not known here',
  absent: 'checksums good; it is not signed',
};

/** Exported for its test. */
export function renderOpened({ backupId, folder, sizeBytes, signature, skipped }: BundleOpenPayload): string {
  const left = skipped.map((path) => `left out: ${printable(path)}\n`).join('');
  return `${left}backup ${backupId} opened in ${folder} (${formatSize(sizeBytes)}), ${SIGNATURES[signature]}\n`;
}

async function importBundle(cli: Cli, name: string): Promise<CommandResult> {
  const file = resolve(cli.io.folder, name);
  const outcome = await withEngine(cli, null, (engine) => aboutFile(file, engine.importBundle(file)));
  return {
    json: outcome,
    text: `imported as backup ${outcome.backupId} (${formatSize(outcome.sizeBytes)})\n`,
  };
}
