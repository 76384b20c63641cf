import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { call, pathWith } from './client.ts';
import type {
  Backup,
  BackupDetail,
  Health,
  Job,
  Listed,
  Me,
  Page,
  StoredDocument,
  Trigger,
  UpcomingRun,
} from './types.ts';

export type DocumentKind = 'plans' | 'sources' | 'destinations' | 'channels';

/** How often is asked again: what is under way, and what is not. */
export const LIVE_MS = 2_000;
export const CALM_MS = 20_000;
const PAGE = 50;
/** Of a list that goes on by itself. */
const LONG_PAGE = 100;
const MANY_PAGES = 10;

export const isUnfinished = ({ status }: { readonly status: Job['status'] | null }) =>
  status === 'queued' || status === 'running';

/** Who is logged in. Rejects without asking anybody to log in. */
export const useMe = () =>
  useQuery({
    queryKey: ['me'],
    queryFn: () => call<Me>('/api/v1/session', { withoutGates: true }),
    staleTime: 60_000,
  });

export const useHealth = () =>
  useQuery({
    queryKey: ['health'],
    queryFn: () => call<Health>('/functions/v1/backup-trigger/health'),
    refetchInterval: CALM_MS,
  });

export const useSchedule = () =>
  useQuery({
    queryKey: ['schedule'],
    queryFn: () => call<Listed<UpcomingRun>>('/api/v1/schedule'),
    refetchInterval: CALM_MS,
  });

export const useDocuments = (kind: DocumentKind) =>
  useQuery({ queryKey: [kind], queryFn: () => call<Page<StoredDocument>>(`/api/v1/${kind}`) });

/** The last runs of a plan, newest first; looked at often while one is under way. */
export const usePlanRuns = (plan: string) =>
  useQuery({
    queryKey: ['jobs', 'of-plan', plan],
    queryFn: () => call<Page<Job>>(pathWith('/api/v1/jobs', { plan, kind: 'backup', limit: 30 })),
    refetchInterval: ({ state }) => (state.data?.items.some(isUnfinished) ? LIVE_MS : CALM_MS),
  });

/** Rows of a long list, page by page, after the last one seen. */
export function usePaged<T>(
  key: readonly unknown[],
  path: string,
  query: Record<string, string | undefined>,
  isLive?: (item: T) => boolean,
  limit = PAGE,
) {
  const found = useInfiniteQuery({
    queryKey: [...key, query],
    queryFn: ({ pageParam }) =>
      call<Page<T>>(pathWith(path, { ...query, limit, ...(pageParam ? { after: pageParam } : {}) })),
    initialPageParam: '' as string | number,
    getNextPageParam: (last: Page<T>) => last.next,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      const pages = state.data?.pages ?? [];
      // Every page would be asked for again: who reads far back looks at what was, not at what is.
      if (pages.length > MANY_PAGES) return false;
      return pages[0]?.items.some((item) => isLive?.(item)) ? LIVE_MS : CALM_MS;
    },
  });
  const items = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  return { ...found, items };
}

export const useJobs = (query: Record<string, string | undefined>) =>
  usePaged<Job>(['jobs', 'list'], '/api/v1/jobs', query, isUnfinished);
export const useBackups = (query: Record<string, string | undefined>) =>
  usePaged<Backup>(['backups', 'list'], '/api/v1/backups', query);
export const useAllBackups = (query: Record<string, string | undefined>) =>
  usePaged<Backup>(['backups', 'all'], '/api/v1/backups', query, undefined, LONG_PAGE);
export const useTriggers = (query: Record<string, string | undefined>) =>
  usePaged<Trigger>(['triggers'], '/api/v1/triggers', query, isUnfinished);

export const useBackup = (id: string) =>
  useQuery({
    queryKey: ['backups', 'one', id],
    queryFn: () => call<BackupDetail>(`/api/v1/backups/${encodeURIComponent(id)}`),
    enabled: id !== '',
  });

export const useJob = (id: string) =>
  useQuery({
    queryKey: ['jobs', 'one', id],
    queryFn: () => call<Job>(`/api/v1/jobs/${encodeURIComponent(id)}`),
    refetchInterval: ({ state }) => (state.data && !isUnfinished(state.data) ? false : LIVE_MS),
  });

/** Forgets what lists show, after something was changed. */
export function useRefresh() {
  const client = useQueryClient();
  return (...keys: readonly string[]) =>
    Promise.all(keys.map((key) => client.invalidateQueries({ queryKey: [key] })));
}
