import type { Command } from 'commander';
import { specOf } from '../choose-plan.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { requireConfirmation } from '../confirm.ts';
import { givenTarget } from '../database-login.ts';
import type { ListedSwitch } from '../engine-door.ts';
import { formatTime, printable } from '../format.ts';
import { loadEngine, withProgress } from '../open-engine.ts';
import { graceOf, safeRestore, stateFolderOf } from '../safe-restore.ts';
import { loadConfig } from '../settings.ts';
import { type Column, renderTable } from '../table.ts';

interface SwitchOptions {
  /** The command above takes these for its own wherever they stand. */
  readonly confirmRestore?: boolean;
  readonly grace?: string;
}

/** `restore status`, `switch-back`, `drop-old`: what restores on this host replaced. They need no repository. */
export function addSwitches(restore: Command, action: Action): void {
  restore
    .command('status')
    .description('what restores on this host replaced, and where it is kept')
    .addHelpText('after', examples('holdfast restore status'))
    .action(action(status));
  restore
    .command('switch-back')
    .description('put back what a restore replaced; what was restored is kept instead')
    .argument('[target]', 'a path or a postgres:// address; default: the newest')
    .option('--confirm-restore', 'do it')
    .option('--grace <seconds>', 'how long running transactions of a database may go on', '10')
    .addHelpText(
      'after',
      examples('holdfast restore switch-back postgres://app@localhost/shop --confirm-restore'),
    )
    .action(action(switchBack));
  restore
    .command('drop-old')
    .description('remove what a restore left beside the target, for good')
    .argument('[target]', 'a path or a postgres:// address; default: the newest')
    .option('--confirm-restore', 'do it')
    .addHelpText('after', examples('holdfast restore drop-old ./app.db --confirm-restore'))
    .action(action(dropOld));
}

const COLUMNS: readonly Column<ListedSwitch>[] = [
  { title: 'begun', value: ({ startedAt }) => formatTime(Date.parse(startedAt)) },
  { title: 'state', value: ({ state }) => state },
  { title: 'target', value: ({ target }) => target },
  { title: 'kept at', value: ({ keptAt, isThere }) => keptAt + (isThere === false ? ' (gone)' : '') },
  { title: 'from backup', value: ({ backupId }) => backupId },
  { title: 'safety backup', value: ({ safetyBackupId }) => safetyBackupId ?? 'none' },
];

async function status(cli: Cli): Promise<CommandResult> {
  const { listSwitches } = await loadEngine(cli);
  const json = await withProgress(cli, (progress) => listSwitches(stateFolderOf(cli), progress));
  if (json.length === 0)
    return { json, text: 'no restore on this host replaced anything that is still kept\n' };
  return { json, text: renderTable(COLUMNS, json) };
}

async function switchBack(
  cli: Cli,
  target: string | undefined,
  _: SwitchOptions,
  command: Command,
): Promise<CommandResult> {
  const json = await change(cli, 'switch-back', target, command.optsWithGlobals());
  const text = `${printable(json.target)} is what it was before the restore; what was restored is kept at ${printable(json.keptAt)}\n`;
  return { json, text };
}

async function dropOld(
  cli: Cli,
  target: string | undefined,
  _: SwitchOptions,
  command: Command,
): Promise<CommandResult> {
  const json = await change(cli, 'drop-old', target, command.optsWithGlobals());
  return {
    json,
    text: `${printable(json.keptAt)}, kept since the restore of ${printable(json.target)}, is gone\n`,
  };
}

async function change(
  cli: Cli,
  name: 'switch-back' | 'drop-old',
  given: string | undefined,
  options: SwitchOptions,
): Promise<ListedSwitch> {
  const args = ['restore', name, ...(given === undefined ? [] : [given])];
  requireConfirmation(cli, options.confirmRestore === true, args);
  const target = given === undefined ? null : await givenTarget(cli, given);
  const safe = safeRestore(cli, graceOf(options.grace ?? '10'), false);
  const module = await loadEngine(cli);
  const logins = target === null ? await loginsOf(cli) : [];
  return withProgress(cli, (progress) =>
    module[name === 'switch-back' ? 'switchBack' : 'dropKept']({
      ...{ safe, target, logins, progress, signal: cli.signal },
    }),
  );
}

/** Databases of the configuration, as far as their addresses can be read. */
async function loginsOf(cli: Cli): Promise<string[]> {
  const loaded = await loadConfig(cli.io, cli.options).catch(() => null);
  const logins: string[] = [];
  for (const [name, source] of Object.entries(loaded?.config.sources ?? {})) {
    const spec = await specOf(cli, loaded!, name, source).catch(() => null);
    if (spec?.kind === 'postgres') logins.push(spec.url);
  }
  return logins;
}
