/** Tables that are kept small. */
import { useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import type * as tables from '../../../src/contracts/api/table-retention.ts';
import { call } from './client.ts';
import { CALM_MS, isUnfinished, LIVE_MS } from './queries.ts';
import type { Job, Listed } from './types.ts';

export type RetainedTable = z.infer<typeof tables.retainedTable>;
export type TablePreview = z.infer<typeof tables.tablePreview>;

/** What a finished run of table retention says. */
export interface ThinnedTable {
  readonly table: string;
  readonly archives: readonly { readonly backupId: string; readonly rows: number }[];
  readonly deleted: number;
  readonly changed: number;
  readonly resumed: boolean;
}

/** Null for a run of another kind, and for one that has not ended well. */
export const thinnedBy = (job: Pick<Job, 'kind' | 'result'>): ThinnedTable | null =>
  job.kind === 'table-retention' && job.result ? (job.result as ThinnedTable) : null;

export const useRetainedTables = () =>
  useQuery({
    queryKey: ['tables'],
    queryFn: () => call<Listed<RetainedTable>>('/api/v1/table-retention'),
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ last_job: last }) => last && isUnfinished(last)) ? LIVE_MS : CALM_MS,
  });
