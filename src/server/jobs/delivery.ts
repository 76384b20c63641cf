import type { CatalogDb } from '../catalog/types.ts';
import type { JobRow } from './job-rows.ts';

/**
 * How due jobs reach workers. The catalog decides who may run a job; a delivery only brings candidates, so one too many does
 * no harm.
 */
export interface Delivery {
  /** Before any transaction with `announce` for these labels. */
  prepare(label: string | null): Promise<void>;
  /** In the transaction that queues a job, or makes it due. */
  announce(trx: CatalogDb, job: Pick<JobRow, 'id' | 'label' | 'priority' | 'run_after'>): Promise<void>;
  /**
   * Up to `count` candidates for a worker that carries `labels`; null stands for jobs without one. Each is followed by `settle`.
   */
  next(labels: readonly (string | null)[], count: number): Promise<readonly Candidate[]>;
  /** Announces again what is due and was lost on its way. */
  redeliver(nowMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface Candidate {
  readonly jobId: string;
  /** In the transaction that claims the job, or finds that it cannot be. */
  settle(trx: CatalogDb): Promise<void>;
}
