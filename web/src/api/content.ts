/** What is in backups, what changed between them, and what retention makes of them. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import type * as content from '../../../src/contracts/api/backup-content.ts';
import { call, pathWith } from './client.ts';

export type BackupContent = z.infer<typeof content.backupContent>;
export type TreePage = z.infer<typeof content.treePage>;
export type TreeItem = TreePage['items'][number];
export type Comparison = z.infer<typeof content.comparison>;
export type RetentionPreview = z.infer<typeof content.retentionPreview>;

const urlOf = (id: string) => `/api/v1/backups/${encodeURIComponent(id)}`;

/** An artifact as its source stated it; some of that only where a copy could be read. */
export const useBackupContent = (id: string) =>
  useQuery({
    queryKey: ['backups', 'one', id],
    queryFn: () => call<BackupContent>(urlOf(id)),
    enabled: id !== '',
    // It is read from a destination: what a backup holds never changes.
    staleTime: 60_000,
  });

export interface TreePlace {
  readonly artifact: string;
  readonly path: string;
  /** Empty lists the folder. */
  readonly search: string;
}

export function useTree(id: string, place: TreePlace) {
  const found = useInfiniteQuery({
    queryKey: ['tree', id, place],
    queryFn: ({ pageParam, signal }) =>
      call<TreePage>(pathWith(`${urlOf(id)}/tree`, { ...place, cursor: pageParam }), { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { ...found, items: found.data?.pages.flatMap(({ items }) => items) };
}

/** With the one before of its plan where no other is named. Not asked for before `isOn`. */
export const useComparison = (id: string, other: string | null, isOn: boolean) =>
  useQuery({
    queryKey: ['compare', id, other],
    queryFn: ({ signal }) =>
      call<Comparison>(pathWith(`${urlOf(id)}/compare`, { with: other ?? undefined }), { signal }),
    enabled: isOn,
  });

export function useChangedPaths(id: string, other: string, artifact: string) {
  const found = useInfiniteQuery({
    queryKey: ['compare', id, other, artifact],
    queryFn: ({ pageParam, signal }) =>
      call<Comparison>(pathWith(`${urlOf(id)}/compare`, { with: other, artifact, cursor: pageParam }), {
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: ({ tree }) => tree?.next ?? null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return {
    ...found,
    tree: found.data?.pages[0]?.tree ?? null,
    items: found.data?.pages.flatMap(({ tree }) => tree?.items ?? []),
  };
}

/** Of one file, or of an artifact that is one. */
export const fileUrl = (id: string, artifact: string, path: string) =>
  pathWith(`${urlOf(id)}/file`, { artifact, path });

/** Nothing is changed. With the rules that are given instead of those of the plan. */
export const useRetentionPreview = (plan: string, retention: unknown) =>
  useQuery({
    queryKey: ['retention', plan, retention],
    queryFn: ({ signal }) =>
      call<RetentionPreview>(`/api/v1/plans/${encodeURIComponent(plan)}/retention-preview`, {
        ...{ method: 'POST', body: { retention }, signal },
      }),
    retry: false,
  });
