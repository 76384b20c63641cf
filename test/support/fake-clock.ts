import type { Clock } from '../../src/engine/base/clock.ts';

/** A clock that stands still until told. */
export interface FakeClock extends Clock {
  monotonicMs(): number;
  /** Time passes for both clocks. */
  advance(ms: number): void;
  /** Somebody sets the wall clock, forward or back; the monotonic one does not notice. */
  jump(ms: number): void;
}

export function fakeClock(startMs = Date.parse('2026-03-01T12:00:00.000Z')): FakeClock {
  let wallMs = startMs;
  let monotonicMs = 1000;
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    jump(ms) {
      wallMs += ms;
    },
  };
}
