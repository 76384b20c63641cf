import type { HooksConfig } from '../contracts/config-hooks.ts';
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
  // Loaded when there are hooks only: help does not wait for schemas.
  const [{ runWithHooks }, { runHooksOf }] = await Promise.all([
    import('../engine/index.ts'),
    import('../contracts/config-hooks.ts'),
  ]);
  return runWithHooks({
    ...run,
    hooks: runHooksOf(hooks, cli.io.environment),
    signal: cli.signal,
    progress: { phase: () => {}, warn: (message) => cli.note(`warning: ${message}`) },
  });
}
