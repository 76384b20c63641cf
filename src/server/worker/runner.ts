import { HoldfastError } from '../../engine/index.ts';
import type { JobHandler, JobKind } from '../jobs/port.ts';
import { runBackup } from './run-backup.ts';
import { runDrill } from './run-drill.ts';
import { runPrune, runReplicate, runRotate } from './run-maintenance.ts';
import { runTableRetention } from './run-table-retention.ts';
import { runVerify } from './run-verify.ts';
import type { RunnerParts } from './runner-parts.ts';

type Run = (parts: RunnerParts, ...args: Parameters<JobHandler>) => ReturnType<JobHandler>;

const RUNS: { readonly [K in JobKind]?: Run } = {
  backup: runBackup,
  verify: runVerify,
  rotate: runRotate,
  prune: runPrune,
  replicate: runReplicate,
  drill: runDrill,
  'table-retention': runTableRetention,
};

/** The handler for a worker: does jobs through the engine. `others` does kinds that it does not know. */
export function openRunner(
  parts: RunnerParts,
  others: { readonly [K in JobKind]?: JobHandler } = {},
): JobHandler {
  return (job, context) => {
    const run = RUNS[job.kind];
    if (run) return run(parts, job, context);
    const other = others[job.kind];
    if (other) return other(job, context);
    throw new HoldfastError('internal', `this worker does not know jobs of kind ${job.kind}`);
  };
}
