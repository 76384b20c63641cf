/**
 * Where the time of a backup goes. `cut`, `find` and `wait` are spent by the thread that reads, `store` is time that packs were on their way
 * to the destination, several at once; the rest is spent by the workers.
 */
export const STAGES = [
  'cut',
  'find',
  'wait',
  'identify',
  'digest',
  'difference',
  'compress',
  'encrypt',
  'store',
] as const;

export type Stage = (typeof STAGES)[number];

/** Milliseconds by stage. */
export type StageTimes = Readonly<Record<Stage, number>>;

export interface StageClock {
  /** Runs `work` and counts its time. */
  measure<T>(stage: Stage, work: () => T): T;
  add(stage: Stage, ms: number): void;
  addAll(times: StageTimes): void;
  times(): StageTimes;
}

export function stageClock(): StageClock {
  const times = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
  return {
    measure(stage, work) {
      const begun = performance.now();
      const result = work();
      times[stage] += performance.now() - begun;
      return result;
    },
    add(stage, ms) {
      times[stage] += ms;
    },
    addAll(more) {
      for (const stage of STAGES) times[stage] += more[stage];
    },
    times: () => ({ ...times }),
  };
}
