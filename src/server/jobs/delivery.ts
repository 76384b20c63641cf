import type { CatalogDb } from '../catalog/types.ts';
import type { JobRow } from './job-rows.ts';

/**
 * How workers learn that jobs are due. The catalog decides which one they run; a delivery only brings tickets, each a look for a
 * job, so one too many does no harm.
 */
export interface Delivery {
  /** Before any transaction with `announce` for these labels. */
  prepare(label: string | null): Promise<void>;
  /** In the transaction that queues a job, or makes it due. */
  announce(trx: CatalogDb, job: Pick<JobRow, 'label' | 'priority' | 'run_after'>): Promise<void>;
  /**
   * Up to `count` tickets for a worker that carries `labels`; null stands for jobs without one. Each is followed by `settle`.
   */
  next(labels: readonly (string | null)[], count: number): Promise<readonly Ticket[]>;
  /** Announces again what is due and was lost on its way. */
  redeliver(nowMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface Ticket {
  /** Good for one job with one of these, not always that for which it was made. */
  readonly labels: readonly (string | null)[];
  /** When the job for which it was made is due; it may come a moment too early. */
  readonly dueAtMs: number;
  /** In the transaction that claims a job, or finds none. */
  settle(trx: CatalogDb): Promise<void>;
}
