import { type Command, Option } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { DocumentOptions } from '../document/write-document.ts';

export function addRunbook(program: Command, action: Action): void {
  program
    .command('runbook')
    .description('write the recovery procedure with the real names, places and commands; never a secret')
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, else md').choices(['md', 'html']),
    )
    .option('--output <file>', 'a new file instead of standard output')
    .addHelpText(
      'after',
      `
It says where the backups are, what opens them, what to restore in which order, and how long the last drill took.
Keep a printed copy, and write it anew after changes.
${examples('holdfast runbook', 'holdfast runbook --output ./runbook.html')}`,
    )
    .action(action(runbook));
}

async function runbook(cli: Cli, options: DocumentOptions): Promise<CommandResult> {
  const { gatherRunbook } = await import('../runbook/gather.ts');
  const { runbookBlocks } = await import('../runbook/runbook-text.ts');
  const { documentResult } = await import('../document/write-document.ts');
  const book = await gatherRunbook(cli);
  return documentResult(cli, { title: 'Recovery runbook', blocks: runbookBlocks(book), json: book }, options);
}
