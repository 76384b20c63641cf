/** Rehearsed recoveries. */
import { queryOptions, useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import type * as drills from '../../../src/contracts/api/drills.ts';
import { call, pathWith } from './client.ts';
import { CALM_MS, usePaged } from './queries.ts';
import type { Listed, Page, StoredDocument } from './types.ts';

export type Drill = z.infer<typeof drills.drill>;
export type DrillDetail = z.infer<typeof drills.drillDetail>;
export type DrillPlan = z.infer<typeof drills.drillPlan>;
export type DrillAnswer = z.infer<typeof drills.drillAnswer>;
export type TrendPoint = z.infer<typeof drills.trendPoint>;

/** What a job of a drill came to. */
export interface DrillResult {
  readonly drillId: string;
  readonly result: 'green' | 'red';
  readonly rtoMs: number | null;
}

export const useDrills = (query: Record<string, string | undefined>) =>
  usePaged<Drill>(['drills', 'list'], '/api/v1/drills', query);

/** The last drills of a plan, newest first; trials left out. */
export const planDrills = (plan: string) =>
  queryOptions({
    queryKey: ['drills', 'of-plan', plan],
    queryFn: () => call<Page<Drill>>(pathWith('/api/v1/drills', { plan, trial: 'false', limit: 30 })),
    refetchInterval: CALM_MS,
  });
export const usePlanDrills = (plan: string) => useQuery(planDrills(plan));

export const useDrillPlans = () =>
  useQuery({
    queryKey: ['drills', 'plans'],
    queryFn: () => call<Listed<DrillPlan>>('/api/v1/drills/plans'),
    refetchInterval: CALM_MS,
  });

/** Not asked for while the id is null. */
export const useDrill = (id: string | null) =>
  useQuery({
    queryKey: ['drills', 'one', id],
    queryFn: () => call<DrillDetail>(`/api/v1/drills/${encodeURIComponent(id ?? '')}`),
    enabled: id !== null,
  });

export const usePlan = (name: string) =>
  useQuery({
    queryKey: ['plans', 'one', name],
    queryFn: () => call<StoredDocument>(`/api/v1/plans/${encodeURIComponent(name)}`),
    // What is being written must not change under the hand.
    refetchOnWindowFocus: false,
  });
