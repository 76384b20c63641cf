/** Work on tables by several connections at once: what has to wait for what, and what excludes what. */
export interface Task<W> {
  /** Of those that can start, the heaviest goes first: give it what its followers weigh as well. */
  readonly weight: number;
  /** Must have ended before. */
  readonly after: readonly Task<W>[];
  /** Names nobody else may hold or share meanwhile. */
  readonly holds?: readonly string[];
  /** Names others may share but not hold. */
  readonly shares?: readonly string[];
  run(worker: W): Promise<void>;
}

interface State<W> {
  /** Heaviest first. */
  readonly waiting: Task<W>[];
  readonly running: Set<Task<W>>;
  readonly ended: Set<Task<W>>;
  failed: boolean;
  wake: (() => void)[];
}

/**
 * Runs all tasks, each by one of the workers. Resolves when every one ended; after the first failure none is started any
 * more, and that failure rejects once the running ones have ended. `onFailure` may hurry them.
 */
export async function runTasks<W>(
  tasks: readonly Task<W>[],
  workers: readonly W[],
  onFailure: (error: unknown) => void = () => {},
): Promise<void> {
  const waiting = [...tasks].sort((a, b) => b.weight - a.weight);
  const state: State<W> = { waiting, running: new Set(), ended: new Set(), failed: false, wake: [] };
  let first: { readonly error: unknown } | null = null;
  const fail = (error: unknown) => {
    if (first !== null) return;
    first = { error };
    state.failed = true;
    onFailure(error);
  };
  await Promise.all(workers.map((worker) => work(state, worker, fail)));
  if (first !== null) throw (first as { readonly error: unknown }).error;
}

async function work<W>(state: State<W>, worker: W, fail: (error: unknown) => void): Promise<void> {
  while (!state.failed && state.waiting.length > 0) {
    const at = state.waiting.findIndex((task) => canStart(state, task));
    if (at < 0) {
      if (state.running.size === 0) throw new Error('tasks wait for one another');
      await new Promise<void>((resolve) => state.wake.push(resolve));
      continue;
    }
    const task = state.waiting.splice(at, 1)[0]!;
    state.running.add(task);
    try {
      await task.run(worker);
      state.ended.add(task);
    } catch (error) {
      fail(error);
    }
    state.running.delete(task);
    for (const resolve of state.wake.splice(0)) resolve();
  }
}

function canStart<W>({ running, ended }: State<W>, task: Task<W>): boolean {
  if (!task.after.every((other) => ended.has(other))) return false;
  const { holds = [], shares = [] } = task;
  for (const other of running) {
    if (other.holds?.some((name) => holds.includes(name) || shares.includes(name))) return false;
    if (other.shares?.some((name) => holds.includes(name))) return false;
  }
  return true;
}
