import type { Hold } from './finish.ts';
import type { QueueParts } from './queue-parts.ts';
import { holdMs, roundMs } from './settings.ts';

/** Why a running job is told to stop. */
export type StopReason = 'cancelled' | 'lease lost' | 'worker stops';

/** Keeps the lease of a running job, and tells it to stop when it is lost or the job is to be cancelled. */
export function holdLease(
  { catalog, options, nowMs }: QueueParts,
  hold: Hold,
  stop: (reason: StopReason) => void,
): { renew(): Promise<void>; end(): void } {
  let endsAtMs = performance.now() + holdMs(options);
  const renew = async () => {
    const askedAtMs = performance.now();
    try {
      const row = await catalog.db
        .updateTable('jobs')
        .set({ lease_until: nowMs() + holdMs(options) })
        .where('id', '=', hold.jobId)
        .where('lease_token', '=', hold.token)
        .where('status', '=', 'running')
        .returning('cancel_requested_at')
        .executeTakeFirst();
      if (!row) return stop('lease lost');
      endsAtMs = askedAtMs + holdMs(options);
      if (row.cancel_requested_at !== null) stop('cancelled');
    } catch (error) {
      options.onError(error);
      // Nobody is told that it is ours still, so another may begin it: two at once would be worse than none.
      if (performance.now() > endsAtMs) stop('lease lost');
    }
  };
  const timer = setInterval(renew, roundMs(options));
  return { renew, end: () => clearInterval(timer) };
}
