import type { CatalogDb } from '../catalog/types.ts';
import type { Job } from './port.ts';

export interface QueueOptions {
  /** The longest time a job waits for a worker that died, before it is somebody else's. Default 60 s. */
  readonly leaseMs?: number;
  /** How often workers look without having been told, for jobs that become due later and hints that got lost. Default 1 s. */
  readonly pollMs?: number;
  /** Running jobs at most, in all workers together; null for no limit. Default null. Asked at every claim. */
  readonly limit?: () => Promise<number | null>;
  /** The wait after a first failed attempt. Default 5 s; see `retryDelayMs`. */
  readonly retryFirstMs?: number;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Runs in the transaction in which a job ends, whatever way it does. */
  readonly onEnded?: (trx: CatalogDb, job: Job) => Promise<void>;
  /** Trouble that the queue lives with, such as a catalog that does not answer for a while. */
  readonly onError?: (error: unknown) => void;
}

export const QUEUE_DEFAULTS = {
  leaseMs: 60_000,
  pollMs: 1000,
  limit: async () => null,
  retryFirstMs: 5000,
  random: Math.random,
  onEnded: async () => {},
  onError: () => {},
} as const satisfies Required<QueueOptions>;

type Lease = Pick<Required<QueueOptions>, 'leaseMs'>;

/** How long a job is a worker's unless it renews. With the round in which that is noticed it stays below the lease. */
export const holdMs = ({ leaseMs }: Lease) => Math.round(leaseMs * 0.75);

/** How often leases are renewed, and those that ended looked for. */
export const roundMs = ({ leaseMs }: Lease) => Math.round(leaseMs * 0.2);
