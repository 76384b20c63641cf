/** Restores by the server: planned, done, taken back. */
import { useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import type * as restores from '../../../src/contracts/api/restores.ts';
import { call } from './client.ts';
import type { Listed } from './types.ts';

export type RestoreMode = z.infer<typeof restores.restoreMode>;
export type RestoreWanted = z.input<typeof restores.restorePlanRequest>;
export type RestorePlan = z.infer<typeof restores.restorePlan>;
export type Switched = z.infer<typeof restores.switched>;

/** What a job of a restore came to; of a tenant, only the plan of its rows. */
export interface RestoreResult {
  readonly backupId: string;
  readonly durationMs: number;
  readonly safetyBackupId: string | null;
  readonly restored: readonly { item: string; target: string; sizeBytes: number }[];
  readonly warnings: readonly string[];
  readonly kept: readonly { target: string; keptAt: string }[];
}
export interface TenantResult {
  readonly applied: boolean;
  readonly safetyBackupId: string | null;
  readonly plan: {
    readonly tenant: string;
    readonly tables: readonly {
      readonly table: string;
      readonly deletes: number;
      readonly inserts: number;
      readonly updates: number;
      readonly unchanged: number;
    }[];
    readonly conflicts: readonly string[];
    readonly notes: readonly string[];
  };
}

/** Nothing is asked for while it is not said where to. */
export const useRestorePlan = (wanted: RestoreWanted | null) =>
  useQuery({
    queryKey: ['restores', 'plan', wanted],
    queryFn: ({ signal }) =>
      call<RestorePlan>('/api/v1/restores/plan', { method: 'POST', body: wanted, signal }),
    enabled: wanted !== null,
    staleTime: 0,
    retry: false,
  });

export const useSwitches = (enabled: boolean) =>
  useQuery({
    queryKey: ['restores', 'switches'],
    queryFn: () => call<Listed<Switched>>('/api/v1/restores/switches'),
    enabled,
  });
