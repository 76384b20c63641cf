import type { Hold } from './finish.ts';
import { addEvent } from './job-events.ts';
import type { JobContext, JobEvent, JobProgress } from './port.ts';
import type { QueueParts } from './queue-parts.ts';

const REPORT_MS = 1000;
/** Of one attempt; a source with a million unreadable files must not fill the catalog. */
const MOST_WARNINGS = 200;

/** Stores what a running job says: the latest progress once a second, each phase and warning as an event. */
export function openReports(
  parts: QueueParts,
  hold: Hold,
): Pick<JobContext, 'report' | 'warn'> & { settle(): Promise<void> } {
  let latest: JobProgress | null = null;
  let phase: string | null = null;
  let warnings = 0;
  let timer: NodeJS.Timeout | null = null;
  let last: Promise<void> = Promise.resolve();
  const store = (event: Pick<JobEvent, 'kind' | 'data'> | null) => {
    const progress = latest;
    // One after the other, so that events stand in the order in which they happened.
    last = last.then(() => write(parts, hold, progress, event)).catch(parts.options.onError);
  };
  const flush = () => {
    timer = null;
    store(null);
  };
  return {
    report(progress) {
      latest = { ...progress, atMs: parts.nowMs() };
      if (progress.phase !== phase) {
        phase = progress.phase;
        store({ kind: 'phase', data: { phase } });
      } else timer ??= setTimeout(flush, REPORT_MS);
    },
    warn(message) {
      warnings += 1;
      if (warnings <= MOST_WARNINGS) store({ kind: 'warning', data: { message } });
      if (warnings === MOST_WARNINGS)
        store({ kind: 'warning', data: { message: 'more warnings are not kept' } });
    },
    async settle() {
      if (timer) clearTimeout(timer);
      await last;
    },
  };
}

/** Nothing is written once the job is somebody else's. */
async function write(
  { catalog, hints, nowMs }: QueueParts,
  { jobId, token }: Hold,
  progress: JobProgress | null,
  event: Pick<JobEvent, 'kind' | 'data'> | null,
): Promise<void> {
  await catalog.transaction(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('jobs')
      .set({ progress: progress === null ? null : JSON.stringify(progress) })
      .where('id', '=', jobId)
      .where('lease_token', '=', token)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return;
    if (event) await addEvent(trx, jobId, nowMs(), event.kind, event.data);
    await hints.send({ type: 'job', id: jobId }, trx);
  });
}
