/** What a benchmark leaves behind: every single measurement, so that anyone can sum up differently. */
import type { Machine } from './machine.ts';
import type { Measurement } from './measure.ts';
import type { Pattern } from './patterns.ts';
import type { WorkloadName } from './workloads/index.ts';

export const STEPS = ['first', 'unchanged', 'changed', 'restore'] as const;
export type Step = (typeof STEPS)[number];

export interface Sample extends Measurement {
  readonly step: Step;
  readonly tool: string;
  /** From 1. The same number means the same data, minutes apart. */
  readonly round: number;
  /** By how much the repository grew; null for restores, and for tools that keep nothing. */
  readonly addedBytes: number | null;
  /** The stage that set the pace, where the tool tells. */
  readonly slowestStage?: string;
}

export interface WorkloadResult {
  readonly workload: WorkloadName;
  readonly sizeBytes: number;
  readonly facts: Readonly<Record<string, number>>;
  /** Rows or files changed before the third step, in the first round. */
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
    readonly pattern: Pattern;
  };
  readonly tools: readonly { readonly name: string; readonly version: string; readonly settings: string }[];
  readonly missingTools: readonly string[];
  readonly workloads: readonly WorkloadResult[];
}
