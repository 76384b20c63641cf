import { sql } from 'kysely';
import type { JobStatus } from './port.ts';

/** Written into the query, not bound to it: SQLite uses an index of queued or running jobs only when it reads the word. */
export const QUEUED = sql.lit<JobStatus>('queued');
export const RUNNING = sql.lit<JobStatus>('running');
