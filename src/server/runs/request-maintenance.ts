/** Jobs that follow from others: retention after a backup, space after retention, copies that are owed. */
import { DAY_MS, MINUTE_MS } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { type JobQueue, PRIORITY } from '../jobs/port.ts';

interface About {
  readonly plan: string;
  readonly planId: string | null;
  readonly tenantId: string | null;
  readonly label: string | null;
}

const COPY_AGAIN_MS = 10 * MINUTE_MS;

export async function requestRotate(trx: CatalogDb, queue: JobQueue, about: About): Promise<void> {
  await queue.enqueue(
    {
      kind: 'rotate',
      payload: { plan: about.plan },
      ...about,
      priority: PRIORITY.maintenance,
      singletonKey: `rotate:${about.plan}`,
    },
    trx,
  );
}

/** Makes copies good that a run could not make. Tried again for a day or so, while each run owes them anew. */
export async function requestCopies(
  trx: CatalogDb,
  queue: JobQueue,
  about: About,
  after: { readonly job: string; readonly atMs: number },
): Promise<void> {
  await queue.enqueue(
    {
      kind: 'replicate',
      payload: { plan: about.plan },
      ...about,
      priority: PRIORITY.maintenance,
      singletonKey: `replicate:${about.plan}`,
      idempotencyKey: `replicate-after:${after.job}`,
      runAfterMs: after.atMs + COPY_AGAIN_MS,
      maxAttempts: 10,
    },
    trx,
  );
}

/** At most once a day for each destination: prune marks first and deletes a day later. */
export async function requestPrune(
  trx: CatalogDb,
  queue: JobQueue,
  destination: string,
  about: Pick<About, 'label'>,
  nowMs: number,
): Promise<void> {
  await queue.enqueue(
    {
      kind: 'prune',
      payload: { destination },
      label: about.label,
      priority: PRIORITY.maintenance,
      concurrencyKey: `destination:${destination}`,
      singletonKey: `prune:${destination}`,
      idempotencyKey: `prune:${destination}:${Math.floor(nowMs / DAY_MS)}`,
    },
    trx,
  );
}
