/** How long data that was erased today can still be in a backup. */
import type { ResolvedRetention } from '../../engine/index.ts';

/** What is soft-deleted can be brought back for so long, then it is purged. */
const ARCHIVED_DAYS = 30;
/** `prune` waits a day before it deletes what it marked. */
const GRACE_DAYS = 1;
/** `rotate` before and `prune` behind are taken to run once a day. */
const CADENCE_DAYS = 2;

export interface Lifetime {
  /** By the rules; null when they set no time. */
  readonly ruleDays: number | null;
  readonly rule: string;
  readonly archivedDays: number;
  readonly graceDays: number;
  readonly lockDays: number;
  /** All of it together; null when there is no bound. */
  readonly totalDays: number | null;
}

/**
 * The most that rules allow. A limit in days is a bound; keep rules count periods in which there is a backup, so they are one only as
 * long as backups are made; numbers of backups need the usual distance of two, null when it is not known.
 */
export function lifetimeOf(rules: ResolvedRetention, gapDays: number | null, lockDays: number): Lifetime {
  const { ruleDays, rule } = boundOf(rules, gapDays);
  const after = ARCHIVED_DAYS + GRACE_DAYS + CADENCE_DAYS + lockDays;
  return {
    ...{ ruleDays, rule, archivedDays: ARCHIVED_DAYS, graceDays: GRACE_DAYS + CADENCE_DAYS, lockDays },
    totalDays: ruleDays === null ? null : Math.ceil(ruleDays) + after,
  };
}

const PERIODS = { hourly: 1 / 24, daily: 1, weekly: 7, monthly: 31, yearly: 366 } as const;

function boundOf(rules: ResolvedRetention, gapDays: number | null) {
  const spans: { readonly days: number | null; readonly text: string }[] = [];
  for (const [name, days] of Object.entries(PERIODS)) {
    const count = rules[name as keyof typeof PERIODS];
    // The last period is not over before the next one begins.
    if (count !== null) spans.push({ days: (count + 1) * days, text: `${count} ${name}` });
  }
  const counted = (count: number) => (gapDays === null ? null : (count + 1) * gapDays);
  if (rules.keepLast !== null) spans.push({ days: counted(rules.keepLast), text: `last ${rules.keepLast}` });
  const kept =
    spans.length === 0
      ? null
      : spans.some(({ days }) => days === null)
        ? null
        : Math.max(...spans.map(({ days }) => days!));
  const limits = [rules.days, rules.versions === null ? null : counted(rules.versions), kept].filter(
    (days): days is number => days !== null,
  );
  const words = [
    ...spans.map(({ text }) => text),
    ...(rules.days === null ? [] : [`at most ${rules.days} days`]),
    ...(rules.versions === null ? [] : [`at most ${rules.versions} backups`]),
  ];
  return {
    ruleDays: limits.length === 0 ? null : Math.min(...limits),
    rule: words.length === 0 ? 'no limit' : words.join(', '),
  };
}

/** The usual distance of two backups: the median, so that a burst or a gap does not count. Null for fewer than three. */
export function usualGapDays(timesMs: readonly number[]): number | null {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((time, i) => time - sorted[i]!);
  if (gaps.length < 2) return null;
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)]! / 86_400_000;
}

/** Days of the object lock that an address asks for. */
export function lockDaysOf(address: string): number {
  return Number(/[?&]lock-days=(\d+)/.exec(address)?.[1] ?? 0);
}
