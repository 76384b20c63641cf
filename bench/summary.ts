/** Medians over the rounds, and holdfast beside each peer, paired by round. */
import type { Pattern } from './patterns.ts';
import { type Sample, STEPS, type Step, type WorkloadResult } from './results.ts';

export const METRICS = ['wallSeconds', 'cpuSeconds', 'peakBytes', 'addedBytes'] as const;
export type Metric = (typeof METRICS)[number];

/** The middle of all rounds, and the outermost. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Row {
  readonly step: Step;
  readonly pattern: Pattern | null;
  readonly tool: string;
  /** Null where the tool has no such number. */
  readonly values: Readonly<Record<Metric, Spread | null>>;
  /** Holdfast's number divided by this tool's, in the same round: below 1 holdfast needs less. Null for holdfast itself. */
  readonly ratios: Readonly<Record<Metric, Spread | null>> | null;
}

export const OURS = 'holdfast';

/** In the order of the steps; within one, holdfast first and then as measured. */
export function summarise({ samples }: Pick<WorkloadResult, 'samples'>): Row[] {
  return stepsOf(samples).flatMap(({ step, pattern }) => {
    const ofStep = samples.filter((sample) => isOf(sample, { step, pattern }));
    const tools = [...new Set(ofStep.map(({ tool }) => tool))].sort(
      (a, b) => Number(b === OURS) - Number(a === OURS) || a.localeCompare(b),
    );
    const ours = ofStep.filter(({ tool }) => tool === OURS);
    return tools.map((tool): Row => {
      const theirs = ofStep.filter((sample) => sample.tool === tool);
      const ratios =
        tool === OURS || ours.length === 0 ? null : eachMetric((metric) => ratio(ours, theirs, metric));
      return {
        step,
        pattern,
        tool,
        values: eachMetric((metric) => spread(numbersOf(theirs, metric))),
        ratios,
      };
    });
  });
}

export interface StepKey {
  readonly step: Step;
  /** Null for steps that have none. */
  readonly pattern: Pattern | null;
}

/** Each step that was measured, in order; `changed` once for each pattern, as they came. */
export function stepsOf(samples: readonly Sample[]): StepKey[] {
  return STEPS.flatMap((step) => {
    const found = samples.filter((sample) => sample.step === step);
    return [...new Set(found.map(({ pattern }) => pattern ?? null))].map((pattern) => ({ step, pattern }));
  });
}

export const isOf = (sample: Sample, { step, pattern }: StepKey) =>
  sample.step === step && (sample.pattern ?? null) === pattern;

/** Null of nothing. Of an even number of values the median is the mean of the middle two. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, lowest: sorted[0]!, highest: sorted.at(-1)! };
}

/** Rounds in which one of the two is missing, or the peer's number is nothing, are left out. */
function ratio(ours: readonly Sample[], theirs: readonly Sample[], metric: Metric): Spread | null {
  const pairs = ours.flatMap((mine) => {
    const other = theirs.find(({ round }) => round === mine.round)?.[metric];
    const own = mine[metric];
    return typeof own !== 'number' || typeof other !== 'number' || other <= 0 ? [] : [own / other];
  });
  return spread(pairs);
}

const numbersOf = (samples: readonly Sample[], metric: Metric) =>
  samples.map((sample) => sample[metric]).filter((value) => value !== null);

const eachMetric = <T>(of: (metric: Metric) => T): Record<Metric, T> => ({
  wallSeconds: of('wallSeconds'),
  cpuSeconds: of('cpuSeconds'),
  peakBytes: of('peakBytes'),
  addedBytes: of('addedBytes'),
});
