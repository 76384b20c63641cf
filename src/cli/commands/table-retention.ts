import type { Command } from 'commander';
import { asHoldfastError, EXIT, type HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount, formatDuration, printable } from '../format.ts';
import { mask } from '../mask.ts';
import { atArchives, type ChosenTable, chooseTables, tableRequest } from '../retained-tables.ts';

export function addTableRetention(program: Command, action: Action): void {
  const command = program
    .command('table-retention')
    .description('archive and delete old rows of tables that grow, gently and never unread')
    .addHelpText(
      'after',
      examples('holdfast table-retention plan', 'holdfast table-retention run main audit_log'),
    );
  command
    .command('plan')
    .description('what a run would archive and delete now; changes nothing')
    .argument('[source]', 'a source of the configuration; default: every one')
    .argument('[table]', 'one of its tables')
    .addHelpText(
      'after',
      examples('holdfast table-retention plan', 'holdfast table-retention plan main audit_log'),
    )
    .action(action(plan));
  command
    .command('run')
    .description('archive old rows encrypted, read the archive back, then delete what is in it')
    .argument('[source]', 'a source of the configuration; default: every one')
    .argument('[table]', 'one of its tables')
    .option('--dry-run', 'the same as plan')
    .addHelpText(
      'after',
      `
Rules are tableRetention of a source in holdfast.yaml, see docs/table-retention.md. A row is deleted only when it is equal
to one that was just read back from the destination. A run that was interrupted is finished by the next one.
${examples('holdfast table-retention run', 'holdfast table-retention run main audit_log --dry-run')}`,
    )
    .action(action(run));
}

type Done<T> = { readonly chosen: ChosenTable } & (
  | { readonly result: T; readonly failure: null }
  | { readonly result: null; readonly failure: HoldfastError }
);

/** A table that fails does not keep others from being dealt with. */
async function eachTable<T>(
  cli: Cli,
  tables: readonly ChosenTable[],
  work: (chosen: ChosenTable) => Promise<T>,
): Promise<Done<T>[]> {
  const done: Done<T>[] = [];
  for (const chosen of tables) {
    try {
      done.push({ chosen, result: await work(chosen), failure: null });
    } catch (error) {
      cli.signal.throwIfAborted();
      if (tables.length === 1) throw error;
      done.push({ chosen, result: null, failure: asHoldfastError(error) });
    }
  }
  return done;
}

async function plan(cli: Cli, source: string | undefined, table: string | undefined): Promise<CommandResult> {
  const tables = await chooseTables(cli, source, table);
  const done = await eachTable(cli, tables, (chosen) =>
    atArchives(cli, chosen, (engine) => engine.planTableRetention(tableRequest(chosen))),
  );
  return resultOf(done, ({ going, rows, limits }) => {
    const what = limits.length === 0 ? 'no limit is reached' : limits.join('; ');
    return `would archive and delete ${going} of ${formatCount(rows, 'row')} (${what})`;
  });
}

async function run(
  cli: Cli,
  source: string | undefined,
  table: string | undefined,
  options: { readonly dryRun?: boolean },
): Promise<CommandResult> {
  if (options.dryRun) return plan(cli, source, table);
  const tables = await chooseTables(cli, source, table);
  const done = await eachTable(cli, tables, (chosen) =>
    atArchives(cli, chosen, (engine) => engine.runTableRetention(tableRequest(chosen))),
  );
  return resultOf(done, ({ archives, deleted, changed, resumed, durationMs }) => {
    const rows = archives.reduce((sum, one) => sum + one.rows, 0);
    const went = resumed ? 'finished an interrupted run; ' : '';
    const stays =
      changed === 0 ? '' : `; ${formatCount(changed, 'row')} changed meanwhile and stay for the next run`;
    return `${went}archived ${formatCount(rows, 'row')} in ${formatCount(archives.length, 'backup')}, deleted ${deleted}${stays}, in ${formatDuration(durationMs)}`;
  });
}

function resultOf<T extends object>(done: readonly Done<T>[], text: (result: T) => string): CommandResult {
  const nameOf = ({ chosen }: Done<T>) => `${chosen.source.name} ${chosen.table}`;
  return {
    json: done.map((one) => ({
      ...{ source: one.chosen.source.name, table: one.chosen.table },
      ...(one.result ?? {
        error: { code: one.failure!.code, message: mask(one.failure!.message), next: one.failure!.next },
      }),
    })),
    text: done
      .map((one) => {
        const said = one.result
          ? text(one.result)
          : `NOT DONE: ${mask(one.failure!.message)}\n  next: ${one.failure!.next}`;
        return `${printable(nameOf(one))}: ${said}\n`;
      })
      .join(''),
    exitCode: done.some(({ failure }) => failure) ? EXIT.failed : EXIT.ok,
  };
}
