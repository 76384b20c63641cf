/** What notices are sent about, and under which name and status a receiver sees it. */

/** Of each kind: true for what somebody should look at. */
const KINDS = {
  backup_started: false,
  backup_completed: false,
  backup_failed: true,
  backup_skipped: true,
  backup_interrupted: true,
  copy_missing: true,
  verify_completed: false,
  verify_failed: true,
  rotate_completed: false,
  rotate_failed: true,
  prune_completed: false,
  prune_failed: true,
  replicate_completed: false,
  replicate_failed: true,
  drill_completed: false,
  drill_failed: true,
  drill_overdue: true,
  table_retention_completed: false,
  table_retention_failed: true,
  restore_completed: false,
  restore_failed: true,
  job_failed: true,
  run_missed: true,
  run_overlapped: true,
  run_hanging: true,
  run_not_started: true,
} as const;

export type NoticeKind = keyof typeof KINDS;

export const NOTICE_KINDS = Object.keys(KINDS) as readonly NoticeKind[];

/** Names for several kinds at once. */
export const NOTICE_GROUPS = ['all', 'problems'] as const;
export type NoticeGroup = (typeof NOTICE_GROUPS)[number];

/** Failed, skipped, missed, hanging: whatever does not pass by itself. */
export function isProblem(kind: NoticeKind): boolean {
  return KINDS[kind];
}

/** True when a word of a rule stands for a kind. */
export function namesKind(word: NoticeKind | NoticeGroup, kind: NoticeKind): boolean {
  if (word === 'all') return true;
  return word === 'problems' ? isProblem(kind) : word === kind;
}

/**
 * The name under which a receiver sees it. An operation that ended is `…_completed`, whether well or not: `status` says
 * which (features row N1).
 */
export function publicEvent(kind: NoticeKind): string {
  return kind.replace(/_(failed|interrupted)$/, '_completed');
}
