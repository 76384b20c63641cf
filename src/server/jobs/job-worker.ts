import { hostname } from 'node:os';
import { newId } from '../../engine/index.ts';
import { type Claim, claimNextIn } from './claim.ts';
import type { Ticket } from './delivery.ts';
import type { JobWorker, WorkOptions } from './port.ts';
import type { QueueParts } from './queue-parts.ts';
import { type RunningJob, runJob } from './running-job.ts';
import { holdMs } from './settings.ts';
import { announceWorker } from './worker-presence.ts';
import { startRounds } from './worker-rounds.ts';

/** A job that found no room comes back after this. */
const LIMIT_WAIT_MS = 1000;

/** Takes jobs and runs them in this process until `stop`. */
export function startWorker(parts: QueueParts, work: WorkOptions): JobWorker {
  const id = newId();
  const labels = [...(work.unlabelled === false ? [] : [null]), ...(work.labels ?? [])];
  const running = new Map<string, RunningJob>();
  const concurrency = work.concurrency ?? 2;
  let stopping = false;
  const start = (claim: Claim) => {
    if (!('claimed' in claim)) return;
    const job = runJob(parts, claim.claimed, work.handle);
    running.set(job.id, job);
    void job.done.then(() => {
      running.delete(job.id);
      look.now();
    });
  };
  const look = onePerTime(parts, async () => {
    while (!stopping && running.size < concurrency) {
      const wanted = concurrency - running.size;
      const tickets = await parts.delivery.next(labels, wanted);
      const claims: Claim[] = [];
      // One after the other: whose turn it is and how many may run is looked up each time.
      for (const ticket of tickets) {
        const one = await claim(parts, ticket, id);
        // At once: what is claimed is nobody else's, whatever becomes of the next claim.
        start(one);
        claims.push(one);
      }
      const isMore = tickets.length === wanted && claims.some((one) => !isHeldUp(one));
      if (!isMore) return;
    }
  });
  const presence = announceWorker(parts, {
    id,
    host: hostname(),
    pid: process.pid,
    labels: work.labels ?? [],
  });
  const rounds = startRounds(parts, look.now);
  const stopListening = parts.hints.listen((hint) => {
    if (hint.type !== 'job') look.now();
    if (hint.type === 'job') void running.get(hint.id)?.renew();
    if (hint.type === 'all') for (const job of running.values()) void job.renew();
  });
  look.now();
  const end = async (drain: boolean) => {
    stopping = true;
    stopListening();
    rounds.stop();
    await look.settle();
    if (!drain) for (const job of running.values()) job.giveBack();
    await Promise.all([...running.values()].map(({ done }) => done));
    await presence.end();
  };
  let ended: Promise<void> | null = null;
  return {
    id,
    async stop({ drain = false } = {}) {
      if (ended && !drain) for (const job of running.values()) job.giveBack();
      ended ??= end(drain);
      await ended;
    },
  };
}

const isHeldUp = (claim: Claim) => 'refused' in claim && claim.refused === 'limit';

async function claim(parts: QueueParts, ticket: Ticket, workerId: string): Promise<Claim> {
  const { catalog, options, delivery, nowMs } = parts;
  const { labels, dueAtMs } = ticket;
  const limit = await options.limit();
  return catalog.exclusive('claims', async (trx) => {
    const atMs = nowMs();
    const request = { workerId, nowMs: atMs, holdMs: holdMs(options), limit };
    const result = await claimNextIn(trx, labels, request);
    await ticket.settle(trx);
    // A key that gets free lets its next job go; what found no room, or came too early, has to be brought again.
    const isWaiting = 'refused' in result && (result.refused === 'limit' || dueAtMs > atMs);
    if (isWaiting) {
      const runAfterMs = Math.max(dueAtMs, atMs + LIMIT_WAIT_MS);
      await delivery.announce(trx, { label: labels[0] ?? null, priority: 0, run_after: runAfterMs });
    }
    return result;
  });
}

/** Runs `work` when asked; asked while it runs, once more afterwards. Trouble with the catalog waits for the next time. */
function onePerTime(
  { options }: QueueParts,
  work: () => Promise<void>,
): { now(): void; settle(): Promise<void> } {
  let current: Promise<void> | null = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await work().catch((error: unknown) => {
        options.onError(error);
        again = false;
      });
    } while (again);
    current = null;
  };
  return {
    now() {
      again = true;
      current ??= run();
    },
    async settle() {
      await current;
    },
  };
}
