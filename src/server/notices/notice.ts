import type { Selectable } from 'kysely';
import { isProblem, publicEvent } from '../../contracts/notice-events.ts';
import type { NoticePayload } from '../../contracts/notice-payload.ts';
import type { EventKind, EventsTable } from '../catalog/tables/events.ts';
import { redact } from '../http/redact.ts';

/** What is told about one event: the payload of a webhook, and what people want to know besides. */
export interface Notice {
  readonly payload: NoticePayload;
  /** An event's kind, or `test`. */
  readonly kind: EventKind | 'test';
  readonly plan: string | null;
  readonly jobId: string | null;
  /** Why, and what to do; null when all is well. */
  readonly error: { readonly code: string; readonly message: string; readonly next: string } | null;
}

type EventRow = Selectable<EventsTable>;

interface EventData {
  readonly error?: Notice['error'];
  readonly part?: string | null;
  readonly durationMs?: number | null;
  readonly runningForMs?: number;
  readonly waitingForMs?: number;
  readonly lateMs?: number;
  readonly reason?: string;
  readonly slotAtMs?: number;
  /** Of the job. */
  readonly kind?: string;
  readonly table?: { readonly source: string; readonly table: string; readonly deleted: number | null };
  readonly drill?: { readonly rtoMs: number | null; readonly rpoMs: number | null };
}

export function noticeOf(event: EventRow): Notice {
  const data = JSON.parse(event.data) as EventData;
  return {
    payload: {
      event: publicEvent(event.kind),
      tenant_id: event.tenant_id,
      backup_id: event.backup_id,
      status: isProblem(event.kind) ? 'failed' : 'success',
      message: redact(messageOf(event, data)),
      timestamp: new Date(event.at).toISOString(),
    },
    kind: event.kind,
    plan: event.plan,
    jobId: event.job_id,
    error: data.error
      ? { ...data.error, message: redact(data.error.message), next: redact(data.error.next) }
      : null,
  };
}

export function testNotice(nowMs: number, tenantId: string | null): Notice {
  return {
    payload: {
      event: 'test',
      tenant_id: tenantId,
      backup_id: null,
      status: 'success',
      message: 'this is a test: notices of Holdfast arrive here',
      timestamp: new Date(nowMs).toISOString(),
    },
    kind: 'test',
    plan: null,
    jobId: null,
    error: null,
  };
}

const ENDINGS = {
  started: 'started',
  completed: 'succeeded',
  failed: 'failed',
  skipped: 'was skipped',
  interrupted: 'was interrupted',
} as const;

function messageOf({ kind, plan }: EventRow, data: EventData): string {
  const ofPlan = plan === null ? '' : ` of plan ${[plan, data.part].filter((part) => part).join('/')}`;
  const why = data.error ? `: ${data.error.message}` : '';
  const run = data.kind === 'drill' ? 'restore drill' : 'run';
  switch (kind) {
    case 'copy_missing':
      return `the backup${ofPlan} is stored, but a copy is missing${why}`;
    case 'run_missed':
      return `the ${run}${ofPlan} began ${duration(data.lateMs)} late: nobody was there to start it in time`;
    case 'run_overlapped':
      return `the ${run}${ofPlan} was due while the one before it was still at work`;
    case 'run_hanging':
      return `the ${run}${ofPlan} has been at work for ${duration(data.runningForMs)}`;
    case 'run_not_started':
      return `the ${run}${ofPlan} is due for ${duration(data.waitingForMs)} and has not begun: ${data.reason ?? 'unknown'}`;
    case 'drill_completed':
      return `the restore drill${ofPlan} is green: ${figures(data.drill)}`;
    case 'drill_failed':
      return `the restore drill${ofPlan} is red${why}`;
    case 'drill_overdue':
      return `a restore drill${ofPlan} was due ${duration(data.lateMs)} ago, and none has ended since`;
    case 'table_retention_completed':
    case 'table_retention_failed': {
      const { source = '', table = '', deleted = 0 } = data.table ?? {};
      const ended = kind === 'table_retention_failed' ? 'failed' : `archived and deleted ${deleted} rows`;
      return `table retention of ${table} of ${source} ${ended}${why}`;
    }
    case 'job_failed':
      return `a job${ofPlan} failed${why}`;
    default: {
      const [what, ending] = kind.split('_') as [string, keyof typeof ENDINGS];
      const took =
        ending === 'completed' && data.durationMs != null ? ` in ${duration(data.durationMs)}` : '';
      return `the ${what}${ofPlan} ${ENDINGS[ending]}${took}${why}`;
    }
  }
}

const figures = (drill: EventData['drill']) =>
  `recovery took ${duration(drill?.rtoMs)}, the data was ${duration(drill?.rpoMs)} old`;

function duration(ms: number | null | undefined): string {
  if (ms == null) return 'a while';
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
