/**
 * A second implementation of retention, slow and obvious, to compare the real one with. It asks of every backup
 * by itself whether something keeps it, groups by calendar text instead of by numbers, and shares no code.
 */
import type { RetentionCandidate } from '../../src/engine/operations/retention-plan.ts';
import type { ResolvedRetention } from '../../src/engine/operations/retention-rules.ts';

/** Ids of the backups that may be removed. */
export function removableByReference(
  backups: readonly RetentionCandidate[],
  rules: ResolvedRetention,
  nowMs: number,
): Set<string> {
  return new Set(backups.filter((backup) => !mustStay(backup, backups, rules, nowMs)).map(({ id }) => id));
}

function mustStay(
  backup: RetentionCandidate,
  all: readonly RetentionCandidate[],
  rules: ResolvedRetention,
  nowMs: number,
): boolean {
  if (backup.held) return true;
  if (isFuture(backup, nowMs)) return true;
  const present = all.filter(
    (other) =>
      other.plan === backup.plan &&
      other.tenantId === backup.tenantId &&
      other.type === backup.type &&
      !isFuture(other, nowMs),
  );
  const good = present.filter(isGood);
  const bad = present.filter((other) => !isGood(other));
  if (isNewest(backup, good.length > 0 ? good : bad)) return true;
  const proven = (list: RetentionCandidate[]) => list.filter((other) => other.provenAtMs !== null);
  if (isNewest(backup, proven(good).length > 0 ? proven(good) : proven(bad))) return true;
  return survivesRules(backup, isGood(backup) ? good : bad, rules, nowMs);
}

function survivesRules(
  backup: RetentionCandidate,
  line: readonly RetentionCandidate[],
  rules: ResolvedRetention,
  nowMs: number,
): boolean {
  const youngEnough = (other: RetentionCandidate) =>
    rules.days === null || nowMs - other.timestampMs <= rules.days * 24 * 60 * 60 * 1000;
  if (!youngEnough(backup) || !isSelected(backup, line, rules)) return false;
  if (rules.versions === null) return true;
  const newerOnes = line.filter(
    (other) => isNewer(other, backup) && youngEnough(other) && isSelected(other, line, rules),
  );
  return newerOnes.length < rules.versions;
}

function isSelected(
  backup: RetentionCandidate,
  line: readonly RetentionCandidate[],
  rules: ResolvedRetention,
): boolean {
  const texts: [number | null, (ms: number) => string][] = [
    [rules.keepLast, (ms) => `${ms}`],
    [rules.hourly, (ms) => new Date(ms).toISOString().slice(0, 13)],
    [rules.daily, (ms) => new Date(ms).toISOString().slice(0, 10)],
    [rules.weekly, mondayOf],
    [rules.monthly, (ms) => new Date(ms).toISOString().slice(0, 7)],
    [rules.yearly, (ms) => new Date(ms).toISOString().slice(0, 4)],
  ];
  if (texts.every(([count]) => count === null)) return true;
  const [last, ...calendar] = texts;
  if (last![0] !== null && line.filter((other) => isNewer(other, backup)).length < last![0]) return true;
  return calendar.some(([count, textOf]) => {
    if (count === null) return false;
    const mine = textOf(backup.timestampMs);
    const isLastOfPeriod = !line.some(
      (other) => textOf(other.timestampMs) === mine && isNewer(other, backup),
    );
    const laterPeriods = new Set(
      line.map((other) => textOf(other.timestampMs)).filter((text) => text > mine),
    );
    return isLastOfPeriod && laterPeriods.size < count;
  });
}

/** Steps back a day at a time until it is a Monday. */
function mondayOf(ms: number): string {
  const date = new Date(ms);
  while (date.getUTCDay() !== 1) date.setUTCDate(date.getUTCDate() - 1);
  return date.toISOString().slice(0, 10);
}

const isFuture = (backup: RetentionCandidate, nowMs: number) => backup.timestampMs - nowMs > 5 * 60 * 1000;
const isGood = (backup: RetentionCandidate) => backup.complete === true && backup.status === 'succeeded';

function isNewer(a: RetentionCandidate, b: RetentionCandidate): boolean {
  return a.timestampMs > b.timestampMs || (a.timestampMs === b.timestampMs && a.id > b.id);
}

function isNewest(backup: RetentionCandidate, among: readonly RetentionCandidate[]): boolean {
  return among.includes(backup) && !among.some((other) => isNewer(other, backup));
}
