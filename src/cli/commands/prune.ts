import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { PruneOutcome } from '../engine-door.ts';
import { formatCount, formatSize } from '../format.ts';
import { withEngine } from '../open-engine.ts';

export function addPrune(program: Command, action: Action): void {
  program
    .command('prune')
    .description('reclaim space that no backup uses; what is found is marked first and deleted a day later')
    .option('--dry-run', 'only show what would be marked and deleted')
    .addHelpText('after', examples('holdfast prune --dry-run', 'holdfast prune'))
    .action(action(prune));
}

async function prune(cli: Cli, options: { readonly dryRun?: boolean }): Promise<CommandResult> {
  const dryRun = options.dryRun === true;
  const outcome = await withEngine(cli, null, (engine) => engine.prune({ dryRun }));
  return { json: { dryRun, ...outcome }, text: renderPrune(outcome, dryRun) };
}

/** Exported for its test. */
export function renderPrune(outcome: PruneOutcome, dryRun: boolean): string {
  const packs = (count: number, bytes: number) => `${formatCount(count, 'pack')} (${formatSize(bytes)})`;
  const would = dryRun ? 'would be ' : '';
  return [
    `${would}deleted: ${packs(outcome.deletedPacks, outcome.deletedBytes)}\n`,
    `${would}marked for deletion: ${packs(outcome.markedPacks, outcome.markedBytes)}\n`,
    `${would}rewritten: ${formatCount(outcome.rewrittenPacks, 'pack')}\n`,
    `in use: ${formatSize(outcome.liveBytes)}\n`,
  ].join('');
}
