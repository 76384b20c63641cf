const FIRST_MS = 5000;
const LONGEST_MS = 10 * 60_000;

/**
 * How long to wait after the attempt of this number (from 1) failed: twice as long each time, up to ten minutes, and between
 * half and all of it, so that jobs that failed together do not come back together. `random` is in [0, 1).
 */
export function retryDelayMs(attempt: number, random: number, firstMs: number = FIRST_MS): number {
  const longest = Math.min(LONGEST_MS, firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(longest * (0.5 + random / 2));
}
