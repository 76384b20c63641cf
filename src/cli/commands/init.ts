import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { createRepository, describeCreation } from '../open-engine.ts';

export function addInit(program: Command, action: Action): void {
  program
    .command('init')
    .description('make a new encrypted repository; without a key in the environment one is generated')
    .addHelpText(
      'after',
      examples(
        'holdfast init',
        'holdfast init --repository /mnt/backups/app',
        'BACKUP_ENCRYPTION_KEY_FILE=/etc/holdfast.key holdfast init',
      ),
    )
    .action(action(init));
}

async function init(cli: Cli): Promise<CommandResult> {
  const created = await createRepository(cli);
  return { json: created, text: describeCreation(created) };
}
