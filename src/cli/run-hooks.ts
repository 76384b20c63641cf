import { type HooksConfig, runHooksOf } from '../contracts/config-hooks.ts';
import type { HoldfastError } from '../engine/base/errors.ts';
import type { HookedRun } from '../engine/index.ts';
import type { Cli } from './cli.ts';

export interface HookedWork<T> extends Pick<HookedRun<T>, 'plan' | 'tenantId' | 'endOf' | 'work'> {
  readonly hooks: HooksConfig | undefined;
}

/** Does the work between the hooks of its plan; see `runWithHooks` of the engine. Without hooks, just the work. */
export async function withHooks<T>(
  cli: Cli,
  { hooks, ...run }: HookedWork<T>,
): Promise<{ result: T; failedHooks: readonly HoldfastError[] }> {
  if (!hooks?.before && !hooks?.after) return { result: await run.work(), failedHooks: [] };
  const { runWithHooks } = await import('../engine/index.ts');
  return runWithHooks({
    ...run,
    hooks: runHooksOf(hooks, cli.io.environment),
    signal: cli.signal,
    progress: { phase: () => {}, warn: (message) => cli.note(`warning: ${message}`) },
  });
}
