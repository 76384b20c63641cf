import { filesWorkload, MANY_SMALL, MIXED } from './files.ts';
import type { Workload, WorkloadOptions } from './port.ts';
import { postgresWorkload } from './postgres.ts';
import { sqliteWorkload } from './sqlite.ts';
import type { WorkloadName } from './titles.ts';

/** What is backed up in steps of a day; a history is prepared by itself. */
export const WORKLOADS = {
  postgres: postgresWorkload,
  sqlite: sqliteWorkload,
  files: (options) => filesWorkload(options, MIXED),
  'small-files': (options) => filesWorkload(options, MANY_SMALL),
} as const satisfies Record<
  Exclude<WorkloadName, 'history'>,
  (options: WorkloadOptions) => Promise<Workload>
>;
