import type { Command } from 'commander';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atEach, atHolders } from '../each-destination.ts';
import { formatTime } from '../format.ts';
import { renderTable } from '../table.ts';

interface HoldOptions {
  readonly reason?: string;
  readonly release?: boolean;
}

export function addHold(program: Command, action: Action): void {
  program
    .command('hold')
    .description('keep a backup whatever retention says; without an id, list the holds')
    .argument('[id]', 'beginning of an id, or `latest`')
    .option('--reason <text>', 'why it is held')
    .option('--release', 'end the hold instead')
    .addHelpText(
      'after',
      examples(
        'holdfast hold latest --reason "before the upgrade"',
        'holdfast hold',
        'holdfast hold 0193a --release',
      ),
    )
    .action(action(hold));
}

async function hold(cli: Cli, id: string | undefined, options: HoldOptions): Promise<CommandResult> {
  if (id === undefined) {
    if (options.reason !== undefined || options.release) {
      throw new HoldfastError('usage', 'hold needs the id of a backup', { next: 'see holdfast list' });
    }
    return listHolds(cli);
  }
  if (options.release) {
    const { backupId } = await atHolders(cli, id, (engine, found) => engine.releaseHold(found));
    return { json: { backupId, held: false }, text: `backup ${backupId} is no longer held\n` };
  }
  const reason = options.reason ?? '';
  const { backupId } = await atHolders(cli, id, (engine, found) => engine.placeHold(found, reason));
  return { json: { backupId, held: true, reason }, text: `backup ${backupId} is held\n` };
}

async function listHolds(cli: Cli): Promise<CommandResult> {
  const answers = await atEach(cli, (engine) => engine.listHolds());
  const all = 'alone' in answers ? answers.alone : answers.several.flatMap(({ result }) => result ?? []);
  const holds = [...new Map(all.map((one) => [`${one.backupId} ${one.reason}`, one])).values()];
  const table = renderTable(
    [
      { title: 'backup', value: ({ backupId }) => backupId },
      {
        title: 'since (UTC)',
        value: ({ createdAt }) => (createdAt === null ? 'unknown' : formatTime(Date.parse(createdAt))),
      },
      { title: 'reason', value: ({ reason }) => reason ?? 'damaged, still held' },
    ],
    holds,
  );
  return {
    json: holds.map(({ backupId, reason, createdAt }) => ({ backupId, reason, createdAt })),
    text: holds.length === 0 ? 'no backup is held\n' : table,
  };
}
