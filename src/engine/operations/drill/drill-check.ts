import { DAY_MS } from '../../base/clock.ts';
import type { OperationContext } from '../context.ts';
import type { DoctorCheck } from '../doctor.ts';
import { type ProvenEvidence, provenEvidence } from '../proven-backups.ts';
import { DEFAULT_DRILL_ROOT, removeLeftovers } from './drill-folder.ts';

const OLD_MS = 100 * DAY_MS;
const NEXT = 'run holdfast drill';

/** When a recovery was last rehearsed, and what interrupted drills had left; that is removed here. */
export async function drillCheck(context: OperationContext): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = [];
  const removed = await removeLeftovers(DEFAULT_DRILL_ROOT);
  if (removed.length > 0) {
    const message = `removed what ${removed.length} interrupted drills had left at ${DEFAULT_DRILL_ROOT}`;
    checks.push({ name: 'leftovers of drills', status: 'ok', message, next: null });
  }
  checks.push(provenCheck(await provenEvidence(context.repository), context.clock.nowMs()));
  return checks;
}

type Drilled = Pick<ProvenEvidence, 'drillId'> & {
  readonly report: Pick<ProvenEvidence['report'], 'result' | 'finishedAt'>;
};

/** What drills say, newest first. Exported for its test. */
export function provenCheck(all: readonly Drilled[], nowMs: number): DoctorCheck {
  const name = 'restore drills';
  const passed = all.find(({ report }) => report.result === 'green');
  if (!passed) {
    const message =
      all.length === 0 ? 'no restore was ever rehearsed' : `none of ${all.length} drills passed`;
    return { name, status: 'warning', message, next: NEXT };
  }
  const days = Math.max(0, nowMs - Date.parse(passed.report.finishedAt)) / DAY_MS;
  const newest = all[0]!;
  if (newest.report.result === 'red') {
    const message = `the last drill failed; the last that passed is ${days.toFixed(1)} days old`;
    return { name, status: 'problem', message, next: `holdfast evidence show ${newest.drillId}` };
  }
  const message = `the last restore was proven ${days.toFixed(1)} days ago`;
  if (days * DAY_MS > OLD_MS) return { name, status: 'warning', message, next: NEXT };
  return { name, status: 'ok', message, next: null };
}
