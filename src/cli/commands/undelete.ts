import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { withEngine } from '../open-engine.ts';

export function addUndelete(program: Command, action: Action): void {
  program
    .command('undelete')
    .description('bring back a backup that rotate archived, within 30 days')
    .argument('<id>', 'beginning of an id; see holdfast list --archived')
    .addHelpText('after', examples('holdfast list --archived', 'holdfast undelete 0193a'))
    .action(action(undelete));
}

async function undelete(cli: Cli, id: string): Promise<CommandResult> {
  const { backupId } = await withEngine(cli, null, (engine) => engine.undelete(id));
  return { json: { backupId }, text: `backup ${backupId} is back\n` };
}
