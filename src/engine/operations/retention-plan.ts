import { DAY_MS, MINUTE_MS } from '../base/clock.ts';
import { lastOfEachPeriod, PERIODS, periodLabel } from './retention.ts';
import { KEEP_RULES, type ResolvedRetention } from './retention-rules.ts';

/** Clocks may differ by this much before a backup counts as future-dated; the limit prune uses, too. */
export const FUTURE_TOLERANCE_MS = 5 * MINUTE_MS;

/** What retention needs to know of a backup. */
export interface RetentionCandidate {
  readonly id: string;
  /** Null for a backup without a plan; those form a group like the backups of a plan. */
  readonly plan: string | null;
  /** Null for the global scope. */
  readonly tenantId: string | null;
  /** `db`, `storage` or `full`. */
  readonly type: string;
  readonly timestampMs: number;
  readonly complete: boolean;
  readonly status: string;
  readonly held: boolean;
  /** When a drill last proved it, milliseconds since 1970 UTC; null when it never did. */
  readonly provenAtMs: number | null;
}

export interface RetentionReason {
  readonly code: RetentionReasonCode;
  /** For people; names the rule and the period. */
  readonly text: string;
}

export type RetentionReasonCode =
  | (typeof KEEP_RULES)[number]
  | 'held'
  | 'last_good'
  | 'last_proven'
  | 'future_dated'
  | 'within_limits'
  | 'too_old'
  | 'too_many'
  | 'not_selected'
  | 'paused';

export interface RetentionDecision<T extends RetentionCandidate = RetentionCandidate> {
  readonly backup: T;
  readonly action: 'keep' | 'remove';
  /** At least one: every reason to keep it, or why nothing keeps it. */
  readonly reasons: readonly RetentionReason[];
}

/** The rules of one group; constant rules are allowed too. */
export type RulesOf = (group: {
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: string;
}) => ResolvedRetention;

/**
 * Decides for every backup whether it stays, newest first. Pure: nothing is read or deleted.
 *
 * Backups of the same plan, tenant and type form a group, and groups never affect each other: a database backup
 * every hour cannot push out a weekly one of the files. `ResolvedRetention` says how rules combine.
 *
 * Four things stay whatever the rules say: held backups; the newest good backup of a group; the newest good one
 * that was proven; and backups dated more than 5 minutes ahead of `nowMs`, which cannot be judged until then.
 * A backup is good when it is complete and succeeded. Others follow the same rules on a line of their own, so
 * that no flood of incomplete or future-dated backups takes a place from a good one. A group that has
 * no good backup keeps its newest other one, likewise for proven ones. Periods are in UTC.
 */
export function planRetention<T extends RetentionCandidate>(
  backups: readonly T[],
  rules: ResolvedRetention | RulesOf,
  nowMs: number,
): RetentionDecision<T>[] {
  const rulesOf = typeof rules === 'function' ? rules : () => rules;
  const groups = Map.groupBy([...backups].sort(newestFirst), (backup) =>
    JSON.stringify([backup.plan, backup.tenantId, backup.type]),
  );
  const decisions = [...groups.values()].flatMap((group) => planGroup(group, rulesOf(group[0]!), nowMs));
  return decisions.sort((a, b) => newestFirst(a.backup, b.backup));
}

function newestFirst(a: RetentionCandidate, b: RetentionCandidate): number {
  if (a.timestampMs !== b.timestampMs) return b.timestampMs - a.timestampMs;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

const isGood = (backup: RetentionCandidate) => backup.complete && backup.status === 'succeeded';

function planGroup<T extends RetentionCandidate>(
  group: readonly T[],
  rules: ResolvedRetention,
  nowMs: number,
): RetentionDecision<T>[] {
  const isFuture = (backup: T) => backup.timestampMs > nowMs + FUTURE_TOLERANCE_MS;
  const present = group.filter((backup) => !isFuture(backup));
  const good = present.filter(isGood);
  const others = present.filter((backup) => !isGood(backup));
  const verdicts = new Map([...judgeLine(good, rules, nowMs), ...judgeLine(others, rules, nowMs)]);
  const lastGood = good[0] ?? others[0];
  const lastProven =
    good.find((backup) => backup.provenAtMs !== null) ?? others.find((backup) => backup.provenAtMs !== null);

  return group.map((backup) => {
    const verdict = verdicts.get(backup) ?? { keep: [], remove: [] };
    const keep: RetentionReason[] = [];
    if (backup.held) keep.push({ code: 'held', text: 'held' });
    if (isFuture(backup)) keep.push({ code: 'future_dated', text: 'dated in the future, not counted' });
    if (backup === lastGood) {
      keep.push({
        code: 'last_good',
        text: isGood(backup) ? 'last good backup' : 'last backup, none is good',
      });
    }
    if (backup === lastProven) keep.push({ code: 'last_proven', text: 'last proven backup' });
    keep.push(...verdict.keep);
    return keep.length > 0
      ? { backup, action: 'keep', reasons: keep }
      : { backup, action: 'remove', reasons: verdict.remove };
  });
}

interface Verdict {
  readonly keep: readonly RetentionReason[];
  readonly remove: readonly RetentionReason[];
}

/** Applies the rules to one line of backups, newest first. */
function judgeLine<T extends RetentionCandidate>(
  line: readonly T[],
  rules: ResolvedRetention,
  nowMs: number,
): Map<T, Verdict> {
  const selected = selectByKeepRules(line, rules);
  const verdicts = new Map<T, Verdict>();
  let kept = 0;
  for (const backup of line) {
    const reasons = selected.get(backup) ?? [];
    const remove: RetentionReason[] = [];
    if (rules.days !== null && nowMs - backup.timestampMs > rules.days * DAY_MS) {
      remove.push({ code: 'too_old', text: `older than ${rules.days} days` });
    } else if (reasons.length === 0) {
      remove.push({ code: 'not_selected', text: 'no rule keeps it' });
    } else if (rules.versions !== null && kept >= rules.versions) {
      remove.push({ code: 'too_many', text: `beyond the newest ${rules.versions}` });
    }
    if (remove.length === 0) kept += 1;
    verdicts.set(backup, remove.length > 0 ? { keep: [], remove } : { keep: reasons, remove });
  }
  return verdicts;
}

function selectByKeepRules<T extends RetentionCandidate>(
  line: readonly T[],
  rules: ResolvedRetention,
): Map<T, RetentionReason[]> {
  const selected = new Map<T, RetentionReason[]>();
  const add = (backup: T, reason: RetentionReason) => {
    const reasons = selected.get(backup);
    if (reasons) reasons.push(reason);
    else selected.set(backup, [reason]);
  };
  if (KEEP_RULES.every((rule) => rules[rule] === null)) {
    for (const backup of line) add(backup, { code: 'within_limits', text: 'within the limits' });
  }
  line.slice(0, rules.keepLast ?? 0).forEach((backup, i) => {
    add(backup, { code: 'keepLast', text: `one of the last ${rules.keepLast} (${i + 1})` });
  });
  for (const period of PERIODS) {
    lastOfEachPeriod(line, period, rules[period] ?? 0).forEach((backup, i) => {
      const place = `${periodLabel(period, backup.timestampMs)} (${i + 1} of ${rules[period]})`;
      add(backup, { code: period, text: `${period} ${place}` });
    });
  }
  return selected;
}
