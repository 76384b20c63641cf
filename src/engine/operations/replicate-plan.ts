import type { PlacedBackup } from './copy-place.ts';
import { planRetention } from './retention-plan.ts';
import { resolveRetention } from './retention-rules.ts';
import { type RetentionInput, rulesFor } from './rotate.ts';

export interface ReplicateFilter {
  /** Only backups of this plan; null for those without one; absent for all. */
  readonly plan?: string | null;
  readonly tenantId?: string;
  /** Sources that the plan sends to other places than these: a backup that holds any of them is not carried on from here. */
  readonly apart?: readonly string[];
  /** Retention at the target: what it would remove there is not copied. */
  readonly rulesOf: (plan: string | null) => RetentionInput;
  /** Why data of a plan may not lie at the target; null when it may. */
  readonly refusalOf?: (plan: string | null) => string | null;
}

export type LeftOutReason = 'archived' | 'retention' | 'region' | 'separate';

export interface ReplicationPlan {
  /** Oldest first. */
  readonly copy: readonly PlacedBackup[];
  readonly leftOut: readonly {
    readonly backup: PlacedBackup;
    readonly reason: LeftOutReason;
    readonly text: string;
  }[];
  /** Held there and not here. */
  readonly hold: readonly PlacedBackup[];
}

/**
 * Which backups of a source the target lacks and should have: those that are listed or held at the source and that
 * retention at the target would keep. Pure. What lies in the archive of the target was removed there on purpose.
 */
export function planReplication(
  source: readonly PlacedBackup[],
  target: readonly PlacedBackup[],
  filter: ReplicateFilter,
  nowMs: number,
): ReplicationPlan {
  const there = new Map(target.map((backup) => [backup.id, backup]));
  const meant = source.filter(
    ({ plan, tenantId }) =>
      (filter.plan === undefined || plan === filter.plan) &&
      (filter.tenantId === undefined || tenantId === filter.tenantId),
  );
  const listed = meant.filter(({ state, held }) => state === 'backups' || held);
  const wanted = listed.filter(({ sources }) => !goesElsewhere(sources, filter.apart));
  const missing = new Set(wanted.filter(({ id }) => !there.has(id)));
  const kept = keptAtTarget([...missing], target, filter, nowMs);
  const copy: PlacedBackup[] = [];
  const leftOut: ReplicationPlan['leftOut'][number][] = [];
  for (const backup of wanted.toSorted(oldestFirst)) {
    if (!missing.has(backup)) {
      if (there.get(backup.id)!.state === 'archived' && !backup.held) {
        leftOut.push({ backup, reason: 'archived', text: 'archived there' });
      }
      continue;
    }
    const refusal = filter.refusalOf?.(backup.plan) ?? null;
    const removal = kept.get(backup);
    if (refusal !== null) leftOut.push({ backup, reason: 'region', text: refusal });
    else if (removal !== undefined) leftOut.push({ backup, reason: 'retention', text: removal });
    else copy.push(backup);
  }
  for (const backup of listed) {
    const apart = backup.sources.filter((one) => filter.apart?.includes(one));
    // One that has nothing else belongs to another set of places, and is at home there.
    if (apart.length === 0 || apart.length === backup.sources.length || there.has(backup.id)) continue;
    const text = `holds ${apart.join(', ')}, which the plan keeps apart`;
    leftOut.push({ backup, reason: 'separate', text });
  }
  const hold = wanted.filter(({ id, held }) => held && there.has(id) && !there.get(id)!.held);
  return { copy, leftOut, hold };
}

/** Why retention would remove a missing backup at the target right away; nothing for those it would keep. */
function keptAtTarget(
  missing: readonly PlacedBackup[],
  target: readonly PlacedBackup[],
  filter: ReplicateFilter,
  nowMs: number,
): Map<PlacedBackup, string> {
  const listed = target.filter(({ state }) => state === 'backups');
  const decisions = planRetention(
    [...listed, ...missing],
    ({ plan }) => resolveRetention(rulesFor(plan, filter)),
    nowMs,
  );
  const removed = decisions.filter(({ action }) => action === 'remove');
  return new Map(removed.map(({ backup, reasons }) => [backup, reasons.map(({ text }) => text).join('; ')]));
}

/** Whether any of a backup's sources has places of its own. */
export const goesElsewhere = (sources: readonly string[], apart: readonly string[] | undefined) =>
  sources.some((one) => apart?.includes(one));

const oldestFirst = (a: PlacedBackup, b: PlacedBackup) =>
  a.timestampMs - b.timestampMs || (a.id < b.id ? -1 : 1);
