import type { Clock } from '../../base/clock.ts';
import { elapsedTimer } from '../../base/clock.ts';
import type { DrillPhase, PhaseName } from './drill-types.ts';

export interface PhaseClock {
  /** From here on time counts for this phase, until the next is entered. Entering one again adds to it. */
  enter(name: PhaseName): void;
  /** Nothing counts until the next phase. */
  leave(): void;
  /** In the order they were entered first. */
  phases(): DrillPhase[];
}

export function phaseClock(clock: Clock): PhaseClock {
  const spent = new Map<PhaseName, number>();
  let current: { name: PhaseName; elapsedMs: () => number } | null = null;
  const leave = () => {
    if (current) spent.set(current.name, (spent.get(current.name) ?? 0) + current.elapsedMs());
    current = null;
  };
  return {
    enter(name) {
      if (current?.name === name) return;
      leave();
      if (!spent.has(name)) spent.set(name, 0);
      current = { name, elapsedMs: elapsedTimer(clock) };
    },
    leave,
    phases: () => [...spent].map(([name, ms]) => ({ name, durationMs: Math.round(ms) })),
  };
}

/** What brings the data back; comparing it does not. */
const RECOVERY: ReadonlySet<PhaseName> = new Set([
  'open',
  'prepare',
  'load',
  'index',
  'files',
  'application',
]);

/** The recovery time: all phases but those that only look at what is there already. */
export function recoveryMs(phases: readonly DrillPhase[]): number {
  return phases.reduce((sum, { name, durationMs }) => sum + (RECOVERY.has(name) ? durationMs : 0), 0);
}
