import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Action, CliIo } from './cli.ts';
import { addAccess } from './commands/access.ts';
import { addBackup } from './commands/backup.ts';
import { addBundle } from './commands/bundle.ts';
import { addConfig } from './commands/config.ts';
import { addDiscover } from './commands/discover.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDrill } from './commands/drill.ts';
import { addErasureReport } from './commands/erasure-report.ts';
import { addEvidence } from './commands/evidence.ts';
import { addGuard } from './commands/guard.ts';
import { addHold } from './commands/hold.ts';
import { addImport } from './commands/import.ts';
import { addInit } from './commands/init.ts';
import { addKey } from './commands/key.ts';
import { addKit } from './commands/kit.ts';
import { addLedger } from './commands/ledger.ts';
import { addList } from './commands/list.ts';
import { addPrune } from './commands/prune.ts';
import { addReplicate } from './commands/replicate.ts';
import { addRestore } from './commands/restore.ts';
import { addRotate } from './commands/rotate.ts';
import { addRunbook } from './commands/runbook.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addTableArchive } from './commands/table-archive.ts';
import { addTableRetention } from './commands/table-retention.ts';
import { addTables } from './commands/tables.ts';
import { addTrigger } from './commands/trigger.ts';
import { addUndelete } from './commands/undelete.ts';
import { addVerify } from './commands/verify.ts';
import { addWorker } from './commands/worker.ts';
import type { KnownOption } from './npm-flags.ts';

/** Every command, ready to parse. Nothing heavy is loaded before a command runs. Parsing errors are thrown. */
export function buildProgram(io: CliIo, action: Action): Command {
  const program = new Command('holdfast')
    .description('Back up databases and files, encrypted and deduplicated; restore them; prove the bytes.')
    .version(version(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .option('--repository <address>', 'where backups are kept (or HOLDFAST_REPOSITORY)')
    .option('--destination <name>', 'one of the destinations of the configuration')
    .option(
      '--config <file>',
      'configuration (or HOLDFAST_CONFIG, or ./holdfast.yaml); catalog: is what the server stores',
    )
    .option('--limit-upload <rate>', 'at most so many MiB each second go out')
    .option('--limit-download <rate>', 'at most so many MiB each second come in')
    .option('--json', 'write one JSON document to standard output, everything else to standard error')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout(text),
      writeErr: (text) => io.stderr(text),
      // Errors are thrown and shown once, by main.
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(100, process.stdout.columns || 100),
    })
    .exitOverride();
  program.addHelpText(
    'after',
    `
Examples:
  $ holdfast backup ./app.db ./uploads postgres://app@localhost/orders
  $ holdfast list
  $ holdfast restore latest --to ./restored --confirm-restore

Environment:
  HOLDFAST_HOME               data folder (default ~/.local/share/holdfast)
  HOLDFAST_REPOSITORY         address of the repository
  BACKUP_DIR                  local folder of the repository where nothing else names one
  HOLDFAST_CONFIG             configuration file
  BACKUP_ENCRYPTION_KEY       key or passphrase; or _FILE with a file that holds it
  BACKUP_ENCRYPTION_KEY_ID    a key in AWS KMS or Vault that opens the repository, see holdfast key add --help
  BACKUP_ENCRYPTION_KEY_OLD   keys of older backups, one a line or divided by commas; or _FILE
  HOLDFAST_MINIMUM_FREE_BYTES a backup is skipped when less is free (default 500000000)
  CONFIRM=yes                 the same as --confirm-restore
  CONFIRM_RESTORE_IN_PROD     must be true to restore where NODE_ENV or HOLDFAST_ENVIRONMENT is production
  TERM=dumb                   plain lines instead of a bar; nothing is ever coloured

Exit codes and errors: docs/errors.md
`,
  );
  program.commandsGroup('Back up and restore:');
  for (const add of [addInit, addDiscover, addBackup, addGuard, addList, addShow, addRestore, addVerify])
    add(program, action);
  program.commandsGroup('Prove that it restores:');
  for (const add of [addDrill, addEvidence, addRunbook, addErasureReport]) add(program, action);
  program.commandsGroup('Keep and clean up:');
  for (const add of [
    addReplicate,
    addRotate,
    addPrune,
    addHold,
    addUndelete,
    addTableRetention,
    addTableArchive,
  ])
    add(program, action);
  program.commandsGroup('Keys, bundles, settings:');
  for (const add of [addKey, addKit, addBundle, addImport, addLedger, addConfig, addDoctor, addTables])
    add(program, action);
  program.commandsGroup('Server:');
  for (const add of [addServe, addWorker, addTrigger, addAccess]) add(program, action);
  return program;
}

/** The command that the arguments name, as far as they name one; the program itself otherwise. */
export function commandOf(program: Command, argv: readonly string[]): Command {
  return argv
    .filter((arg) => !arg.startsWith('-'))
    .reduce((command, arg) => command.commands.find((one) => one.name() === arg) ?? command, program);
}

/** The line that shows a command's help: `holdfast key add --help`. */
export function helpCommandOf(command: Command): string {
  const names: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) names.unshift(one.name());
  return `${names.join(' ')} --help`;
}

/** The options a command knows, those of the program included. */
export function knownOptions(program: Command, command: Command): KnownOption[] {
  return [...new Set([...program.options, ...command.options])].flatMap((option) =>
    option.long ? [{ long: option.long, takesValue: option.required || option.optional }] : [],
  );
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
