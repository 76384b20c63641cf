import type { Command } from 'commander';
import type { PrunePayload } from '../../contracts/cli-payloads.ts';
import { EXIT } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount, formatSize, printable } from '../format.ts';
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
  const payload: PrunePayload = { dryRun, ...outcome };
  const isDamaged = outcome.blockedBy.length > 0 || outcome.missingChunks > 0;
  return { json: payload, text: renderPrune(payload), exitCode: isDamaged ? EXIT.damaged : EXIT.ok };
}

/** Exported for its test. */
export function renderPrune(outcome: PrunePayload): string {
  const would = outcome.dryRun ? 'would be ' : '';
  const steps: [string, { packs: number; bytes: number }][] = [
    [`${would}deleted`, outcome.deleted],
    [`${would}marked, to be deleted a day later`, outcome.marked],
    [`${would}rewritten, since little of them is used`, outcome.rewritten],
    [`${would}unmarked, since they are used again`, outcome.revived],
    ['marked before and waiting', outcome.waiting],
  ];
  const { stored, liveBytes, blockedBy, missingChunks } = outcome;
  return [
    ...steps
      .filter(([, { packs }], i) => packs > 0 || i === 0)
      .map(([what, { packs, bytes }]) => `${what}: ${formatCount(packs, 'pack')} (${formatSize(bytes)})\n`),
    `stored: ${formatCount(stored.packs, 'pack')} (${formatSize(stored.bytes)}), ${formatSize(liveBytes)} in use\n`,
    ...blockedBy.map(
      ({ name, why }) => `nothing is deleted while ${printable(name)} cannot be read: ${printable(why)}\n`,
    ),
    missingChunks > 0 ? `${formatCount(missingChunks, 'chunk')} missing; next: run holdfast verify\n` : '',
  ].join('');
}
