import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { requireConfirmation } from '../confirm.ts';
import { givenSource } from '../database-login.ts';
import { formatCount, formatDuration, formatSize, formatTime, printable } from '../format.ts';
import { atArchives, chooseTables } from '../retained-tables.ts';
import { renderTable } from '../table.ts';

export function addTableArchive(program: Command, action: Action): void {
  const command = program
    .command('table-archive')
    .description('rows that table-retention archived: what there is, and back into a table')
    .addHelpText(
      'after',
      examples(
        'holdfast table-archive show main audit_log',
        'holdfast table-archive restore main audit_log --confirm-restore',
      ),
    );
  command
    .command('show')
    .description('the archives of a table, newest first')
    .argument('<source>', 'a source of the configuration')
    .argument('<table>', 'one of its tables')
    .addHelpText('after', examples('holdfast table-archive show main audit_log'))
    .action(action(show));
  command
    .command('restore')
    .description('put archived rows back into the table; rows that are there are never changed')
    .argument('<source>', 'a source of the configuration')
    .argument('<table>', 'one of its tables')
    .option('--backup <id>', 'one archive only; default: all of them')
    .option('--to <database>', 'another database with that table: an SQLite file or a postgres:// address')
    .option('--confirm-restore', 'do it')
    .addHelpText(
      'after',
      `
As a file of its own an archive is restored like any backup: holdfast restore ID --to ./rows. That of an SQLite table is
an SQLite database, that of a PostgreSQL table is CSV.
${examples(
  'holdfast table-archive restore main audit_log --to ./copy.db --confirm-restore',
  'holdfast table-archive restore main audit_log --backup 0193a --confirm-restore',
)}`,
    )
    .action(action(restore));
}

async function show(cli: Cli, source: string, named: string): Promise<CommandResult> {
  const [chosen] = await chooseTables(cli, source, named);
  const { table } = chosen!;
  const found = await atArchives(cli, chosen!, (engine) => engine.listTableArchives({ source, table }));
  const text = renderTable(
    [
      { title: 'backup', value: ({ backupId }) => backupId },
      { title: 'time (UTC)', value: ({ timestampMs }) => formatTime(timestampMs) },
      { title: 'rows', value: ({ rows }) => String(rows) },
      { title: 'size', value: ({ sizeBytes }) => formatSize(sizeBytes) },
    ],
    found,
  );
  const rows = found.reduce((sum, one) => sum + one.rows, 0);
  return {
    json: found.map(({ timestampMs, ...one }) => ({
      ...one,
      timestamp: new Date(timestampMs).toISOString(),
    })),
    text: `${found.length === 0 ? '' : text}${formatCount(rows, 'row')} of ${printable(table)} in ${formatCount(found.length, 'archive')}\n`,
  };
}

async function restore(
  cli: Cli,
  source: string,
  named: string,
  options: { readonly backup?: string; readonly to?: string; readonly confirmRestore?: boolean },
): Promise<CommandResult> {
  const [chosen] = await chooseTables(cli, source, named);
  const { table } = chosen!;
  const { to, backup, confirmRestore = false } = options;
  const target = to === undefined ? chosen!.source : await givenSource(cli, to);
  requireConfirmation(cli, confirmRestore, [
    ...['table-archive', 'restore', source, table],
    ...(to === undefined ? [] : ['--to', to]),
    ...(backup === undefined ? [] : ['--backup', backup]),
  ]);
  const done = await atArchives(cli, chosen!, (engine) =>
    engine.restoreTableArchive({ source, table, target, backupId: backup ?? null }),
  );
  const { archives, inserted, present, different, durationMs } = done;
  const lines = [
    `${formatCount(inserted, 'row')} put back from ${formatCount(archives, 'archive')} in ${formatDuration(durationMs)}`,
    ...(present === 0 ? [] : [`${formatCount(present, 'row')} were there already`]),
    ...(different === 0 ? [] : [`${formatCount(different, 'row')} left out: another row has the key`]),
  ];
  return { json: done, text: lines.map((line) => `${line}\n`).join('') };
}
