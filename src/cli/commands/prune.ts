import type { Command } from 'commander';
import type { PrunePayload } from '../../contracts/cli-payloads.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atEach, exitCodeOf, renderDown } from '../each-destination.ts';
import type { Engine, PruneOutcome } from '../engine-door.ts';
import { formatCount, formatSize, printable } from '../format.ts';
import { failuresPayload } from '../render-copies.ts';

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
  const answers = await atEach(cli, (engine) => prunedAt(engine, dryRun));
  if ('alone' in answers) {
    if (answers.alone === null) throw nothingToPrune();
    const json: PrunePayload = { dryRun, ...answers.alone };
    return { json, text: renderPrune(json), exitCode: isDamaged(json) ? EXIT.damaged : EXIT.ok };
  }
  const done = answers.several.flatMap(({ destination, result }) =>
    result ? [{ destination, result }] : [],
  );
  const json: PrunePayload = {
    dryRun,
    ...done.map(({ result }) => result).reduce(summed, NONE),
    destinations: done.map(({ destination }) => destination),
    failures: failuresPayload(answers.several),
  };
  const text = done.map(
    ({ destination, result }) => `${printable(destination)}\n${renderPrune({ dryRun, ...result })}`,
  );
  return {
    json,
    text: [...text, renderDown(answers.several)].join(''),
    exitCode: isDamaged(json) ? EXIT.damaged : exitCodeOf(answers.several),
  };
}

/** Null where bundles lie: there is nothing to prune. */
async function prunedAt(engine: Engine, dryRun: boolean): Promise<PruneOutcome | null> {
  return engine.repositoryId === '' ? null : engine.prune({ dryRun });
}

const nothingToPrune = () =>
  new HoldfastError('usage', 'not on a destination of the layout bundles: there is nothing to prune', {
    next: 'use a destination of the layout repository',
  });

const isDamaged = ({ blockedBy, missingChunks }: PruneOutcome) => blockedBy.length > 0 || missingChunks > 0;

const NO_PACKS = { packs: 0, bytes: 0 };
const NONE: PruneOutcome = {
  ...{ marked: NO_PACKS, waiting: NO_PACKS, deleted: NO_PACKS, rewritten: NO_PACKS, revived: NO_PACKS },
  ...{ stored: NO_PACKS, liveBytes: 0, blockedBy: [], missingChunks: 0 },
};

function summed(a: PruneOutcome, b: PruneOutcome): PruneOutcome {
  const packs = (of: 'marked' | 'waiting' | 'deleted' | 'rewritten' | 'revived' | 'stored') => ({
    packs: a[of].packs + b[of].packs,
    bytes: a[of].bytes + b[of].bytes,
  });
  return {
    ...{ marked: packs('marked'), waiting: packs('waiting'), deleted: packs('deleted') },
    ...{ rewritten: packs('rewritten'), revived: packs('revived'), stored: packs('stored') },
    liveBytes: a.liveBytes + b.liveBytes,
    blockedBy: [...a.blockedBy, ...b.blockedBy],
    missingChunks: a.missingChunks + b.missingChunks,
  };
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
    `stored: ${formatCount(stored.packs, 'pack')} (${formatSize(stored.bytes)}), ${formatSize(liveBytes)} of data in use before compression\n`,
    ...blockedBy.map(
      ({ name, why }) => `nothing is deleted while ${printable(name)} cannot be read: ${printable(why)}\n`,
    ),
    missingChunks > 0 ? `${formatCount(missingChunks, 'chunk')} missing; next: run holdfast verify\n` : '',
  ].join('');
}
