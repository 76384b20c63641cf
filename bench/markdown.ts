/** Results as Markdown: the whole of them for the documentation, and a few lines for the front page. */
import type { BenchResult, Step, WorkloadResult } from './results.ts';
import { MIB, sizeText } from './sizes.ts';
import {
  isOf,
  METRICS,
  type Metric,
  OURS,
  type Row,
  type Spread,
  type StepKey,
  stepsOf,
  summarise,
} from './summary.ts';
import { TITLES } from './workloads/titles.ts';

const STEP_TITLES: Readonly<Record<Step, string>> = {
  first: 'first backup',
  unchanged: 'unchanged',
  changed: '1 % changed',
  restore: 'restore',
  file: 'restore to a file',
  drill: 'drill: restore phase',
  verify: 'verify all',
  prune: 'drop half, prune',
};
const NOTHING = '–';

const stepTitle = ({ step, pattern }: StepKey) =>
  pattern === null ? STEP_TITLES[step] : `${STEP_TITLES[step]}, ${pattern}`;
const KIB = 1024;

/** Of one run: machine, settings, tools, and a table for each workload. */
export function resultMarkdown(result: BenchResult): string {
  return [conditions(result), toolList(result), ...result.workloads.map(workloadTable)].join('\n\n');
}

/** Where, when and how, in one paragraph. */
export function conditions({ startedAt, commit, machine, settings, workloads }: BenchResult): string {
  // An interrupted run has measured fewer than it was asked for.
  const rounds = Math.min(...workloads.map(({ samples }) => Math.max(...samples.map(({ round }) => round))));
  const where = `${machine.processor}, ${machine.cores} cores, ${sizeText(machine.memoryBytes)} of memory, ${machine.disk}`;
  const how = `scale ${settings.scale}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, pattern ${settings.pattern}, seed ${settings.seed}`;
  return (
    `Measured ${startedAt.slice(0, 16).replace('T', ' ')} UTC at commit ${commit} on ${where}; ${machine.system}, ` +
    `Node ${machine.node}, SQLite ${machine.sqlite}; load before: ${machine.loadBefore}. Settings: ${how}.`
  );
}

function toolList({ tools, missingTools }: BenchResult): string {
  const lines = tools.map(({ name, version, settings }) => `- ${name} (${version}): ${settings}`);
  return [...lines, ...missingTools.map((name) => `- ${name}: not installed, left out`)].join('\n');
}

const HEAD = [
  '| step | tool | wall | CPU | peak memory | stored | holdfast ÷ tool: wall | CPU | memory | stored |',
  '|---|---|--:|--:|--:|--:|--:|--:|--:|--:|',
];

export function workloadTable(result: WorkloadResult): string {
  const facts = Object.entries(result.facts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`);
  const title = `### ${TITLES[result.workload]} (${[sizeText(result.sizeBytes), ...facts].join(', ')})`;
  const rows = summarise(result).map((row) => {
    const values = METRICS.map((metric) => valueText(metric, row.values[metric]));
    const ratios = METRICS.map((metric) => ratioText(row.ratios?.[metric]));
    return `| ${[stepTitle(row), row.tool, ...values, ...ratios].join(' | ')} |`;
  });
  return [title, '', ...HEAD, ...rows, ...slowestLine(result)].join('\n');
}

/** What each backup waited for most, in the first round. */
function slowestLine({ samples }: WorkloadResult): string[] {
  const told = samples.filter(({ round, slowestStage }) => round === 1 && slowestStage !== undefined);
  if (told.length === 0) return [];
  const stages = stepsOf(told).map((key) => {
    const slowest = told.filter((sample) => isOf(sample, key)).map(({ slowestStage }) => slowestStage);
    return `${stepTitle(key)}: ${slowest[0]}`;
  });
  return ['', `Slowest stage of holdfast: ${stages.join('; ')}.`];
}

/** One line a step: what holdfast needs, and the ratios to those peers that do the same work. */
export function shortTable(results: readonly WorkloadResult[]): string {
  const all = results.map((result) => [result, summarise(result)] as const);
  const peers = [...new Set(all.flatMap(([, rows]) => rows.map(({ tool }) => tool)))].filter(isFullPeer);
  const head = [
    `| data | step | holdfast | ${peers.map((peer) => `÷ ${peer}: time | stored`).join(' | ')} |`,
    `|---|---|--:|${peers.map(() => '--:|--:|').join('')}`,
  ];
  const lines = all.flatMap(([result, rows]) =>
    rows
      .filter(({ tool }) => tool === OURS)
      .map((ours) => {
        const cells = peers.flatMap((peer) => {
          const row = rows.find(
            ({ step, pattern, tool }) => step === ours.step && pattern === ours.pattern && tool === peer,
          );
          return [ratioText(row?.ratios?.wallSeconds, false), ratioText(row?.ratios?.addedBytes, false)];
        });
        const title = `${TITLES[result.workload]}, ${sizeText(result.sizeBytes)}`;
        return `| ${[title, stepTitle(ours), oursText(ours), ...cells].join(' | ')} |`;
      }),
  );
  return [...(peers.length === 0 ? ['| data | step | holdfast |', '|---|---|--:|'] : head), ...lines].join(
    '\n',
  );
}

/** What encrypts and deduplicates as holdfast does. */
const isFullPeer = (tool: string) => /^(restic|borg)-[^+]*$/.test(tool);

const oursText = ({ values }: Row) => `${values.wallSeconds?.median.toFixed(1)} s`;

function valueText(metric: Metric, value: Spread | null): string {
  if (value === null) return NOTHING;
  const isBytes = metric === 'peakBytes' || metric === 'addedBytes';
  const [unit, size] = !isBytes ? ['s', 1] : value.highest < MIB ? ['KiB', KIB] : ['MiB', MIB];
  const text = (number: number) => shortNumber(number / size);
  const range = value.lowest === value.highest ? '' : ` (${text(value.lowest)}–${text(value.highest)})`;
  return `${text(value.median)} ${unit}${range}`;
}

function ratioText(value: Spread | null | undefined, withRange = true): string {
  if (!value) return NOTHING;
  const range =
    withRange && value.lowest !== value.highest
      ? ` (${value.lowest.toFixed(2)}–${value.highest.toFixed(2)})`
      : '';
  return `${value.median.toFixed(2)}${range}`;
}

const shortNumber = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
