import { HoldfastError } from '../../engine/index.ts';
import { eventOf, jobOf } from './job-rows.ts';
import type { JobUpdate } from './port.ts';
import type { QueueParts } from './queue-parts.ts';

/** See `JobQueue.watch`. Hints wake it; looking once in a while as well makes up for one that was lost. */
export async function* watchJob(
  { catalog, hints, options }: QueueParts,
  id: string,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<JobUpdate> {
  let seen = afterSeq;
  let shown: string | null = null;
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const stopListening = hints.listen((hint) => {
    if (hint.type === 'all' || (hint.type === 'job' && hint.id === id)) wake();
  });
  const timer = setInterval(wake, options.pollMs);
  signal.addEventListener('abort', wake);
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers();
      // The job first: an event that comes in between is found by the next look.
      const row = await catalog.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row) throw new HoldfastError('job_unknown', `there is no job ${id}`);
      const events = await catalog.db
        .selectFrom('job_events')
        .selectAll()
        .where('job_id', '=', id)
        .where('seq', '>', seen)
        .orderBy('seq')
        .execute();
      for (const event of events.map(eventOf)) {
        seen = event.seq;
        yield { type: 'event', event };
      }
      const { progress, status } = jobOf(row);
      if (status === 'running' && progress && row.progress !== shown) {
        shown = row.progress;
        yield { type: 'progress', progress };
      }
      if (row.finished_at !== null && seen >= row.last_event) return;
      await changed.promise;
    }
  } finally {
    stopListening();
    clearInterval(timer);
    signal.removeEventListener('abort', wake);
  }
}
