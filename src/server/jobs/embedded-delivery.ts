import type { Catalog } from '../catalog/types.ts';
import { dueJobs } from './claim.ts';
import type { Delivery } from './delivery.ts';

/** On one machine the catalog is the queue: the next jobs are looked up when a worker asks. */
export function embeddedDelivery(catalog: Catalog, nowMs: () => number): Delivery {
  return {
    async prepare() {},
    async announce() {},
    async next(labels, count) {
      const ids = await dueJobs(catalog.db, labels, nowMs(), count);
      return ids.map((jobId) => ({ jobId, settle: async () => {} }));
    },
    async redeliver() {},
    async close() {},
  };
}
