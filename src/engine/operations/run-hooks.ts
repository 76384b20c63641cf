import { spawn } from 'node:child_process';
import { asHoldfastError, type ErrorCode, HoldfastError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { commandLine, startCommand } from '../sources/command/command-child.ts';

export interface Hook {
  /** A list is run as it is, a text by a shell. */
  readonly command: string | readonly string[];
  readonly timeLimitMs: number;
  /** Besides PATH, HOME, LANG and the facts of the run. Holds no keys. */
  readonly environment: { readonly [name: string]: string };
}

export interface RunHooks {
  readonly before: readonly Hook[];
  readonly after: readonly Hook[];
}

/** How a run ended, as its after-hooks are told. */
export interface RunEnd {
  readonly status: 'succeeded' | 'incomplete' | 'copy-missing' | 'failed' | 'skipped' | 'interrupted';
  readonly backupId: string | null;
  readonly errorCode: ErrorCode | null;
}

export interface HookedRun<T> {
  readonly hooks: RunHooks;
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly signal: AbortSignal;
  readonly progress: Pick<Progress, 'phase' | 'warn'>;
  /** What a result means for the after-hooks. */
  readonly endOf: (result: T) => RunEnd;
  readonly work: () => Promise<T>;
}

/**
 * Does the work of a run between its hooks. The before-hooks run in order; one that fails ends the run with `hook_failed`
 * before anything is read. The after-hooks run always: after success, failure, interruption, after a before-hook that failed, and
 * when the process is told to exit at once. Only what gives no notice (SIGKILL, power loss) leaves them out; the next run of the plan
 * runs them. A failure of the work is thrown as it is; of after-hooks that fail the errors are given, and the others still run.
 */
export async function runWithHooks<T>(
  run: HookedRun<T>,
): Promise<{ result: T; failedHooks: HoldfastError[] }> {
  const { hooks, progress, signal } = run;
  let end: RunEnd = { status: 'interrupted', backupId: null, errorCode: 'interrupted' };
  let waiting = [...hooks.after];
  // The process ends at once, as by a second Ctrl-C: the after-hooks are started and left to themselves.
  const startAll = () => {
    for (const hook of waiting) startAlone(hook, factsOf(run, 'after', end));
  };
  process.once('exit', startAll);
  const failedHooks: HoldfastError[] = [];
  try {
    try {
      if (hooks.before.length > 0) progress.phase('before-hooks', {});
      for (const hook of hooks.before) {
        signal.throwIfAborted();
        await runHook(hook, factsOf(run, 'before', null), signal);
      }
      const result = await run.work();
      end = run.endOf(result);
      return { result, failedHooks };
    } catch (error) {
      end = endOfFailure(error, signal);
      throw error;
    }
  } finally {
    if (waiting.length > 0) progress.phase('after-hooks', {});
    while (waiting.length > 0) {
      const [hook, ...rest] = waiting as [Hook, ...Hook[]];
      const done = runHook(hook, factsOf(run, 'after', end), null);
      waiting = rest;
      await done.catch((error: unknown) => {
        const failure = asHoldfastError(error);
        failedHooks.push(failure);
        progress.warn(failure.message);
      });
    }
    process.off('exit', startAll);
  }
}

function endOfFailure(error: unknown, signal: AbortSignal): RunEnd {
  const { code } = asHoldfastError(error);
  if (signal.aborted || code === 'interrupted') {
    return { status: 'interrupted', backupId: null, errorCode: 'interrupted' };
  }
  return { status: code === 'space_low' ? 'skipped' : 'failed', backupId: null, errorCode: code };
}

type Facts = Readonly<Record<string, string>>;

function factsOf<T>({ plan, tenantId }: HookedRun<T>, when: 'before' | 'after', end: RunEnd | null): Facts {
  return {
    HOLDFAST_HOOK: when,
    HOLDFAST_PLAN: plan ?? '',
    HOLDFAST_TENANT_ID: tenantId ?? '',
    ...(end && {
      HOLDFAST_STATUS: end.status,
      HOLDFAST_BACKUP_ID: end.backupId ?? '',
      HOLDFAST_ERROR_CODE: end.errorCode ?? '',
    }),
  };
}

async function runHook(hook: Hook, facts: Facts, signal: AbortSignal | null): Promise<void> {
  const { command, timeLimitMs: timeoutMs, environment } = hook;
  const call = { command, timeoutMs, environment: { ...environment, ...facts } };
  // An after-hook is not taken along by a process that ends.
  const { child, ended } = startCommand({ ...call, ...(signal ? { signal } : { outlives: true }) }, 'stdout');
  child.stdout!.resume();
  try {
    await ended;
  } catch (error) {
    const failure = asHoldfastError(error);
    if (failure.code !== 'command_failed') throw error;
    throw new HoldfastError('hook_failed', `the ${facts.HOLDFAST_HOOK}-hook: ${failure.message}`, {
      cause: error,
    });
  }
}

/** Starts and forgets: nobody is left to wait, and no time limit holds. */
function startAlone({ command, environment }: Hook, facts: Facts): void {
  const { program, args, env } = commandLine({ command, environment: { ...environment, ...facts } });
  spawn(program, args, { env, stdio: 'ignore', detached: true }).on('error', () => {});
}
