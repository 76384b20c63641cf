import { HOUR_MS } from '../../engine/index.ts';
import { cronTimes } from '../schedule/cron.ts';

/** Enough slots to meet a weekend, or the longer of two gaps in a day. */
const SLOTS = 8;
const KEPT_MS = HOUR_MS;
const MOST_KEPT = 5000;

/** Reckoning the slots of a thousand plans takes longer than answering should. */
const known = new Map<string, { readonly atMs: number; readonly intervalMs: number | null }>();

/** The longest time between runs that the schedule intends around now; null when it names less than two more. */
export function runIntervalMs(cron: string, timeZone: string, nowMs: number): number | null {
  const key = `${cron} ${timeZone}`;
  const found = known.get(key);
  if (found && Math.abs(nowMs - found.atMs) < KEPT_MS) return found.intervalMs;
  if (known.size >= MOST_KEPT) known.clear();
  const intervalMs = longestGapMs(cron, timeZone, nowMs);
  known.set(key, { atMs: nowMs, intervalMs });
  return intervalMs;
}

function longestGapMs(cron: string, timeZone: string, nowMs: number): number | null {
  const times = cronTimes(cron, timeZone);
  const slots: number[] = [];
  let atMs: number | null = times.lastUntil(nowMs) ?? times.after(nowMs);
  while (atMs !== null && slots.length < SLOTS) {
    slots.push(atMs);
    atMs = times.after(atMs);
  }
  const gaps = slots.slice(1).map((slot, i) => slot - slots[i]!);
  return gaps.length === 0 ? null : Math.max(...gaps);
}

/**
 * How old the last good backup may become: a quarter of the interval, and at least an hour, beyond the next run, so that a run may take
 * its time and one late run is no alarm; never more than the setting.
 */
export function ageLimitMs(intervalMs: number | null, settingHours: number): number {
  const settingMs = settingHours * HOUR_MS;
  return intervalMs === null
    ? settingMs
    : Math.min(settingMs, intervalMs + Math.max(HOUR_MS, intervalMs / 4));
}
