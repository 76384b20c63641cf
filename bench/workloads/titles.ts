/** What each workload is called in reports, in the order they run in. */
export const TITLES = {
  postgres: 'PostgreSQL database',
  sqlite: 'SQLite database',
  files: 'Files of all sizes',
  'small-files': 'Many small files',
  history: 'Long history',
} as const;

export type WorkloadName = keyof typeof TITLES;

export const WORKLOAD_NAMES = Object.keys(TITLES) as WorkloadName[];

/** `history` takes long to prepare: it runs when it is asked for. */
export const DEFAULT_WORKLOADS = WORKLOAD_NAMES.filter((name) => name !== 'history');
