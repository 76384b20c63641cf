/** Time as a port, so that tests can set it. Milliseconds since 1970 UTC. */
export interface Clock {
  nowMs(): number;
  /** Milliseconds from an arbitrary start, never set back. Where absent, `elapsedTimer` has only the wall clock. */
  monotonicMs?(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * Starts measuring. The result gives milliseconds since then: the larger of what both clocks say, since a wall
 * clock may be set back and a monotonic one may stand still while the machine sleeps. Never negative.
 */
export function elapsedTimer(clock: Clock): () => number {
  const wallStart = clock.nowMs();
  const monotonicStart = clock.monotonicMs?.() ?? 0;
  return () =>
    Math.max(0, clock.nowMs() - wallStart, (clock.monotonicMs?.() ?? monotonicStart) - monotonicStart);
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
