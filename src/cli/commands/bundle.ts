import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { BundleOpenPayload } from '../../contracts/cli-payloads.ts';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atNearest } from '../each-destination.ts';
import { formatSize, printable } from '../format.ts';
import { aboutFile, openBundleWithKeys, withEngine } from '../open-engine.ts';

interface EncryptionOptions {
  readonly encryption: 'aes-256-gcm' | 'none';
}

interface ExportOptions extends EncryptionOptions {
  readonly compression: 'zstd' | 'gzip';
}

const encryptionOption = (what: string) =>
  new Option('--encryption <name>', what).choices(['aes-256-gcm', 'none']).default('aes-256-gcm');

export function addBundle(program: Command, action: Action): void {
  const bundle = program
    .command('bundle')
    .description('a backup as one file that stands alone, encrypted unless said otherwise');
  bundle
    .command('export')
    .description('write a backup to a file')
    .argument('<id>', 'beginning of an id, or `latest`')
    .argument('<file>', 'new file, such as app.tar.zst.enc')
    .addOption(new Option('--compression <name>').choices(['zstd', 'gzip']).default('zstd'))
    .addOption(encryptionOption('none: anyone can read the file'))
    .addHelpText('after', examples('holdfast bundle export latest ./app.tar.zst.enc'))
    .action(action(exportBundle));
  bundle
    .command('open')
    .description('decrypt a bundle into a folder; needs the key and no repository')
    .argument('<file>')
    .argument('<folder>', 'new or empty')
    .addOption(encryptionOption('none: also one that is not encrypted, which anyone can make'))
    .addHelpText('after', examples('holdfast bundle open ./app.tar.zst.enc ./opened'))
    .action(action(open));
  bundle
    .command('import')
    .description('add a bundle to the repository as a backup')
    .argument('<file>')
    .addOption(encryptionOption('none: also one that is not encrypted, which anyone can make'))
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
  const { compression, encryption } = options;
  if (encryption === 'none') {
    if (/\.enc$/i.test(file)) {
      throw new HoldfastError('usage', `${file} ends in .enc, and what is to be written is not encrypted`, {
        next: 'choose a name such as app.tar.zst, or leave --encryption none out',
      });
    }
    cli.note(`warning: NOT ENCRYPTED: whoever can read ${file} can read the whole backup`);
  }
  const { backupId, sizeBytes } = await atNearest(cli, id, (engine, found) =>
    engine.exportBundle({ id: found, file, compression, encryption }),
  );
  return {
    json: { backupId, file, sizeBytes, encryption },
    text: `backup ${backupId} written to ${file} (${formatSize(sizeBytes)})\n`,
  };
}

async function open(
  cli: Cli,
  file: string,
  folder: string,
  { encryption }: EncryptionOptions,
): Promise<CommandResult> {
  const target = resolve(cli.io.folder, folder);
  const opened = await openBundleWithKeys(cli, resolve(cli.io.folder, file), target, {
    acceptsUnencrypted: encryption === 'none',
  });
  const payload: BundleOpenPayload = { ...opened, folder: target };
  return { json: payload, text: renderOpened(payload) };
}

const SIGNATURES = {
  valid: 'checksums and signature good',
  unchecked: 'checksums good; its signer is not known here',
  absent: 'checksums good; it is not signed',
};

/** Exported for its test. */
export function renderOpened({
  backupId,
  folder,
  sizeBytes,
  signature,
  skipped,
  encryption,
}: BundleOpenPayload): string {
  const plain = encryption === 'none' ? '; NOT ENCRYPTED, so anyone may have made it' : '';
  const left = skipped.map((path) => `left out: ${printable(path)}\n`).join('');
  return `${left}backup ${backupId} opened in ${folder} (${formatSize(sizeBytes)}), ${SIGNATURES[signature]}${plain}\n`;
}

async function importBundle(
  cli: Cli,
  name: string,
  { encryption }: EncryptionOptions,
): Promise<CommandResult> {
  const file = resolve(cli.io.folder, name);
  const outcome = await withEngine(cli, null, (engine) =>
    aboutFile(file, engine.importBundle(file, undefined, { acceptsUnencrypted: encryption === 'none' })),
  );
  return {
    json: outcome,
    text: `imported as backup ${outcome.backupId} (${formatSize(outcome.sizeBytes)})\n`,
  };
}
