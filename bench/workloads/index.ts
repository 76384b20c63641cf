import { filesWorkload, MANY_SMALL, MIXED } from './files.ts';
import type { Workload, WorkloadOptions } from './port.ts';
import { postgresWorkload } from './postgres.ts';
import { sqliteWorkload } from './sqlite.ts';

/** In the order they run in, each with what it is called in reports. */
export const WORKLOADS = {
  postgres: { title: 'PostgreSQL database', open: postgresWorkload },
  sqlite: { title: 'SQLite database', open: sqliteWorkload },
  files: { title: 'Files of all sizes', open: (options) => filesWorkload(options, MIXED) },
  'small-files': { title: 'Many small files', open: (options) => filesWorkload(options, MANY_SMALL) },
} as const satisfies Record<string, { title: string; open(options: WorkloadOptions): Promise<Workload> }>;

export type WorkloadName = keyof typeof WORKLOADS;

export const WORKLOAD_NAMES = Object.keys(WORKLOADS) as WorkloadName[];
