/** What a benchmark leaves behind: every single measurement, so that anyone can sum up differently. */
import type { Machine } from './machine.ts';
import type { Pattern, PatternChoice } from './patterns.ts';
import type { WorkloadName } from './workloads/titles.ts';

/** Backups, what brings them back, and what looks after a repository. */
export const STEPS = [
  'first',
  'unchanged',
  'changed',
  'restore',
  'file',
  'drill',
  'verify',
  'prune',
] as const;
export type Step = (typeof STEPS)[number];

export interface Sample {
  readonly step: Step;
  /** Which rows or files were edited before it; for the step `changed` alone. Results of before there were several lack it. */
  readonly pattern?: Pattern;
  readonly tool: string;
  /** From 1. The same number means the same data, minutes apart. */
  readonly round: number;
  readonly wallSeconds: number;
  /** Null where the processes of one tool do more than what is compared. */
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
  /**
   * By how much the repository grew, and after `prune` what is left of it; null for what stores nothing, and for tools that
   * keep nothing.
   */
  readonly addedBytes: number | null;
  /** The stage that set the pace, where the tool tells. */
  readonly slowestStage?: string;
}

export interface WorkloadResult {
  readonly workload: WorkloadName;
  readonly sizeBytes: number;
  readonly facts: Readonly<Record<string, number>>;
  /** Rows or files changed before the third step, in the first round. Of a history, how many backups it has. */
  readonly changed: number;
  readonly samples: readonly Sample[];
}

export interface BenchResult {
  readonly format: 1;
  readonly startedAt: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly settings: {
    readonly scale: number;
    readonly rounds: number;
    readonly seed: number;
    readonly pattern: PatternChoice;
  };
  readonly tools: readonly { readonly name: string; readonly version: string; readonly settings: string }[];
  readonly missingTools: readonly string[];
  readonly workloads: readonly WorkloadResult[];
}
