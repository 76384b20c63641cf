import { type Command, Option } from 'commander';
import type { GuardPayload } from '../../contracts/guard-payload.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { shellQuoted } from '../confirm.ts';
import type { BackupType } from '../engine-door.ts';
import { formatDuration } from '../format.ts';
import { type CommandEnd, exitCodeOf, runInForeground, withoutKeys } from '../guarded-command.ts';
import { renderWayBack, wayBack } from '../way-back.ts';
import { makeBackup } from './backup.ts';

interface GuardOptions {
  readonly plan?: string;
  readonly source?: readonly string[];
  readonly type?: BackupType;
  readonly tenantId?: string;
  readonly incomplete?: boolean;
  readonly withKeys?: boolean;
}

export function addGuard(program: Command, action: Action): void {
  program
    .command('guard')
    .description('back up, then run a command; if it fails, say exactly how to go back')
    .argument('<command...>', 'behind --: a migration, a key rotation, an update')
    .option('--plan <name>', 'the plan to back up (default: the only one)')
    .option('--source <source...>', 'paths and postgres:// addresses instead of a plan')
    .addOption(
      new Option('--type <type>', 'only databases, only files, or both').choices(['db', 'storage', 'full']),
    )
    .option('--tenant-id <id>', 'the tenant whose plan is meant, or whom what is named here belongs to')
    .option('--incomplete', 'run the command even when something could not be read')
    .option('--with-keys', 'leave the keys of backups in the environment of the command')
    .addHelpText(
      'after',
      `
The command runs in this terminal and only after the backup is stored. The exit code is that of the command;
127 when it was not found, 128 and the number of the signal that ended it.
${examples(
  'holdfast guard -- npm run migrate',
  'holdfast guard --plan nightly --type db -- ./rotate-keys.sh --all',
  'holdfast guard --source ./app.db -- sqlite3 app.db ".read migration.sql"',
)}`,
    )
    .action(action(guard));
}

async function guard(cli: Cli, argv: string[], options: GuardOptions): Promise<CommandResult> {
  if (options.plan !== undefined && options.source) {
    throw new HoldfastError('usage', '--plan and --source exclude each other');
  }
  const args = options.source ?? (options.plan === undefined ? [] : [options.plan]);
  const { chosen, made, result } = await makeBackup(cli, args, options);
  cli.note(result.text.trimEnd());
  if (made.hookProblems && !options.incomplete) {
    const { message } = made.hookProblems[0]!;
    throw new HoldfastError('hook_failed', `${message}; the backup was made, and the command was not run`, {
      next: 'mend the hook, or add --incomplete to run the command all the same',
    });
  }
  if (result.exitCode === EXIT.incomplete && !options.incomplete) {
    throw new HoldfastError('source_incomplete', 'the backup is not complete, so the command was not run', {
      next: 'mend what is listed, or add --incomplete to run it all the same',
    });
  }
  // Before the command runs: afterwards the destination may be out of reach.
  const steps = await wayBack(cli, chosen, made);
  cli.signal.throwIfAborted();
  const command = argv.map(shellQuoted).join(' ');
  const onExit = () => cli.note(`${command} was left to itself\n${renderWayBack(steps)}`);
  // A second Ctrl-C ends this process at once.
  process.once('exit', onExit);
  const startedMs = cli.io.nowMs();
  const end = await runInForeground(argv, {
    folder: cli.io.folder,
    environment: options.withKeys ? cli.io.environment : withoutKeys(cli.io.environment, chosen.loaded),
    quiet: cli.json,
  }).finally(() => process.off('exit', onExit));
  const durationMs = Math.max(0, Math.round(cli.io.nowMs() - startedMs));
  const exitCode = exitCodeOf(end);
  const json: GuardPayload = {
    backup: made,
    command: {
      argv,
      status: exitCode === 0 ? 'succeeded' : 'failed',
      exitCode: end.exitCode,
      signal: end.signal,
      durationMs,
    },
    wayBack: steps,
  };
  // Standard output belongs to the command.
  cli.note(
    exitCode === 0
      ? `${command} succeeded in ${formatDuration(durationMs)}; backup ${made.backupId} was made before it`
      : `${command} ${howItEnded(end)}\n${renderWayBack(steps)}`.trimEnd(),
  );
  return { json, text: '', exitCode };
}

function howItEnded({ exitCode, signal, failure }: CommandEnd): string {
  if (failure !== null) return `could not be started: ${failure}`;
  return signal === null ? `failed with exit code ${exitCode}` : `was ended by ${signal}`;
}
