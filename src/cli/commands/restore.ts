import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { requireConfirmation } from '../confirm.ts';
import type { RestoreOutcome, RestorePlan } from '../engine-door.ts';
import { formatCount, formatDuration, formatSize, printable } from '../format.ts';
import { withEngine } from '../open-engine.ts';
import { isPostgresAddress } from '../recognise-source.ts';

interface RestoreOptions {
  readonly to: string;
  readonly confirmRestore?: boolean;
}

export function addRestore(program: Command, action: Action): void {
  program
    .command('restore')
    .description('put a backup back; checksums and signatures are checked before anything is touched')
    .argument('<id>', 'beginning of an id, or `latest`')
    .argument('[item]', 'one artifact, or a file or folder in one, such as uploads/logo.png')
    .requiredOption('--to <target>', 'a folder, a file or a postgres:// address')
    .option('--confirm-restore', 'do it; without this only the plan is shown')
    .addHelpText(
      'after',
      examples(
        'holdfast restore latest --to ./restored --confirm-restore',
        'holdfast restore latest app.db --to ./app-restored.db --confirm-restore',
        'holdfast restore 0193a orders --to postgres://app@localhost/orders_restored --confirm-restore',
      ),
    )
    .action(action(restore));
}

async function restore(
  cli: Cli,
  id: string,
  item: string | undefined,
  options: RestoreOptions,
): Promise<CommandResult> {
  const target = isPostgresAddress(options.to) ? options.to : resolve(cli.io.folder, options.to);
  const request = { backupId: id, item: item ?? null, target, replace: true };
  const outcome = await withEngine(cli, null, async (engine) => {
    const plan = await engine.planRestore(request);
    cli.note(renderPlan(plan));
    requireConfirmation(cli, options.confirmRestore === true, repeatedArgs(cli, id, item, options.to));
    return engine.restore(request);
  });
  return { json: outcome, text: renderOutcome(outcome) };
}

function repeatedArgs(cli: Cli, id: string, item: string | undefined, to: string): string[] {
  const { repository, config } = cli.options;
  return [
    'restore',
    id,
    ...(item === undefined ? [] : [item]),
    '--to',
    to,
    ...(repository ? ['--repository', repository] : []),
    ...(config ? ['--config', config] : []),
  ];
}

/** Exported for its test. Without a line end behind it. */
export function renderPlan(plan: RestorePlan): string {
  const steps = plan.steps.map(({ item, kind, target, sizeBytes, replaces }) => {
    const what = `${printable(item)} (${kind}, ${formatSize(sizeBytes)})`;
    return `  ${what} → ${printable(target)}${replaces ? ', replacing what is there' : ''}`;
  });
  return [`restore of backup ${plan.backupId}:`, ...steps].join('\n');
}

/** Exported for its test. */
export function renderOutcome(outcome: RestoreOutcome): string {
  const lines = outcome.restored.map(
    ({ item, target, sizeBytes }) =>
      `restored ${printable(item)} (${formatSize(sizeBytes)}) to ${printable(target)}\n`,
  );
  const warnings = outcome.warnings.map((warning) => `warning: ${printable(warning)}\n`);
  const count = formatCount(outcome.restored.length, 'item');
  return [
    ...lines,
    ...warnings,
    `${count} restored and checked in ${formatDuration(outcome.durationMs)}\n`,
  ].join('');
}
