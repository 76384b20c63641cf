import type { Command } from 'commander';
import { codeOf, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atHolders } from '../each-destination.ts';

export function addUndelete(program: Command, action: Action): void {
  program
    .command('undelete')
    .description('bring back a backup that rotate archived, within 30 days')
    .argument('<id>', 'beginning of an id; see holdfast list --archived')
    .addHelpText('after', examples('holdfast list --archived', 'holdfast undelete 0193a'))
    .action(action(undelete));
}

async function undelete(cli: Cli, id: string): Promise<CommandResult> {
  const { backupId } = await atHolders(cli, id, (engine, found) => engine.undelete(found)).catch(
    (error: unknown) => {
      if (codeOf(error) !== 'id_unknown') throw error;
      const next = 'see holdfast list --archived';
      throw new HoldfastError('id_unknown', (error as Error).message, { cause: error, next });
    },
  );
  return { json: { backupId }, text: `backup ${backupId} is back\n` };
}
