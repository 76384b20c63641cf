import type { WorkloadRun } from '../run-bench.ts';
export async function runHistory(_: WorkloadRun): Promise<void> {}
