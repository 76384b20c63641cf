import { DAY_MS, HOUR_MS } from '../base/clock.ts';
import type { KeepRule } from './retention-rules.ts';

/** The rules that count periods, from short to long. */
export const PERIODS = [
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
] as const satisfies readonly KeepRule[];
export type Period = (typeof PERIODS)[number];

/**
 * The number of the period a time falls into, in UTC, so that a change of daylight saving neither doubles nor
 * drops one. Equal numbers mean the same period; later periods have greater numbers.
 */
export function periodOf(period: Period, timestampMs: number): number {
  const day = Math.floor(timestampMs / DAY_MS);
  switch (period) {
    case 'hourly':
      return Math.floor(timestampMs / HOUR_MS);
    case 'daily':
      return day;
    case 'weekly':
      // Day 0, 1 January 1970, was a Thursday: three days after a Monday.
      return Math.floor((day + 3) / 7);
    case 'monthly':
      return new Date(timestampMs).getUTCFullYear() * 12 + new Date(timestampMs).getUTCMonth();
    case 'yearly':
      return new Date(timestampMs).getUTCFullYear();
  }
}

/** The period for people: `2026-11-21 03:00`, `2026-11-21`, `week of 2026-11-16`, `2026-11`, `2026`. */
export function periodLabel(period: Period, timestampMs: number): string {
  const iso = new Date(timestampMs).toISOString();
  switch (period) {
    case 'hourly':
      return `${iso.slice(0, 10)} ${iso.slice(11, 13)}:00`;
    case 'daily':
      return iso.slice(0, 10);
    case 'weekly':
      return `week of ${new Date((periodOf('weekly', timestampMs) * 7 - 3) * DAY_MS).toISOString().slice(0, 10)}`;
    case 'monthly':
      return iso.slice(0, 7);
    case 'yearly':
      return iso.slice(0, 4);
  }
}

/**
 * The last backup of each of the `count` most recent periods that hold one, as restic's `--keep-daily` counts.
 * `newestFirst` must be sorted so. The oldest one gets no second chance when fewer periods exist than asked for:
 * it is the last of its own period, or it goes.
 */
export function lastOfEachPeriod<T extends { readonly timestampMs: number }>(
  newestFirst: readonly T[],
  period: Period,
  count: number,
): T[] {
  const selected: T[] = [];
  let previous: number | null = null;
  for (const backup of newestFirst) {
    if (selected.length === count) break;
    const current = periodOf(period, backup.timestampMs);
    if (current !== previous) selected.push(backup);
    previous = current;
  }
  return selected;
}
