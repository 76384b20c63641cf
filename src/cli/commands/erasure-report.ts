import { type Command, Option } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { type Block, heading, list, table, text } from '../document/blocks.ts';
import type { DocumentOptions } from '../document/write-document.ts';
import type { ErasureReport, ErasureRow } from '../erasure/gather.ts';
import { formatTime } from '../format.ts';

export function addErasureReport(program: Command, action: Action): void {
  program
    .command('erasure-report')
    .description('how long personal data that was erased can still live in a backup, plan by plan')
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, else md').choices(['md', 'html']),
    )
    .option('--output <file>', 'a new file instead of standard output')
    .addHelpText(
      'after',
      `
A document for the register of processing activities. It counts retention, soft delete, the grace of prune, object locks
and holds, and says where there is no bound.
${examples('holdfast erasure-report', 'holdfast erasure-report --output ./erasure.html', 'holdfast erasure-report --json')}`,
    )
    .action(action(erasureReport));
}

async function erasureReport(cli: Cli, options: DocumentOptions): Promise<CommandResult> {
  const { gatherErasure } = await import('../erasure/gather.ts');
  const { documentResult } = await import('../document/write-document.ts');
  const report = await gatherErasure(cli);
  return documentResult(
    cli,
    { title: 'Erasure report', blocks: erasureBlocks(report), json: report },
    options,
  );
}

/** Exported for its test. */
export function erasureBlocks({ madeAt, rows, unknown }: ErasureReport): Block[] {
  const held = rows.flatMap((row) => row.held.map((one) => ({ row, ...one })));
  return [
    heading(1, 'Erased data in backups'),
    text(
      `Written ${formatTime(Date.parse(madeAt))} UTC by Holdfast, from its configuration and what the destinations hold. Personal data that is erased today can be in backups for this long:`,
    ),
    table(
      [
        'plan',
        'destination',
        'at most',
        'kept by the rules',
        'soft delete',
        'until pruned',
        'object lock',
        'oldest backup now',
      ],
      rows.map((row) => [
        row.plan ?? '(no plan)',
        row.destination,
        row.totalDays === null ? 'NO BOUND' : `${row.totalDays} days`,
        `${row.rule}${row.ruleDays === null ? '' : ` = ${Math.ceil(row.ruleDays)} days`}`,
        `${row.archivedDays} days`,
        `${row.graceDays} days`,
        row.lockDays === 0 ? 'none' : `${row.lockDays} days`,
        row.oldestDays === null ? 'none' : `${row.oldestDays} days`,
      ]),
    ),
    ...(unknown.length === 0
      ? []
      : [text(`Not looked at, since they did not answer: ${unknown.join(', ')}.`)]),
    heading(2, 'Backups on hold'),
    held.length === 0
      ? text('None. A held backup stays until somebody releases it.')
      : table(
          ['backup', 'plan', 'destination', 'why'],
          held.map(({ row, backupId, reason }) => [
            backupId,
            row.plan ?? '',
            row.destination,
            reason ?? 'unknown',
          ]),
        ),
    heading(2, 'What this takes for granted'),
    list([
      'holdfast rotate and holdfast prune run at least once a day, as the service does; without them nothing ever goes.',
      'Backups go on being made. The last good backup of a plan and the last one that a drill proved are never removed, so a plan that stops keeps its last one.',
      'Rules that count periods or numbers of backups reach further back when backups were missed.',
      'A bucket that keeps old versions needs a lifecycle rule for them; a lock is renewed for what is still needed, and runs out the given days later.',
      'Downloaded bundles, restored copies and table dumps are outside of Holdfast.',
      'After a restore, data that was erased since the backup is back: erase it again.',
    ]),
    ...boundless(rows),
  ];
}

function boundless(rows: readonly ErasureRow[]): Block[] {
  const open = rows.filter(({ totalDays }) => totalDays === null);
  if (open.length === 0) return [];
  return [
    heading(2, 'Without a bound'),
    list(
      open.map(
        ({ plan, destination }) =>
          `${plan ?? '(no plan)'} at ${destination}: ${plan?.startsWith('table-archive.') ? 'say keepArchivesDays beside the rule of the table' : 'add days to its retention'}`,
      ),
    ),
  ];
}
