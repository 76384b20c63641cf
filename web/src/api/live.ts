import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { JobProgress } from './types.ts';

export interface JobNews {
  readonly seq: number;
  readonly at: string;
  readonly kind: 'status' | 'phase' | 'warning';
  readonly data: Readonly<Record<string, unknown>>;
}

/** Browsers keep six connections to a server: the rest of the page needs some, too. */
const MOST_STREAMS = 3;
const AGAIN_MS = 3_000;
let streams = 0;

/**
 * What a job reports while it runs, by server-sent events. A stream that breaks off is taken up again by the browser, where it was;
 * without one, the queries that ask now and then are enough.
 */
export function useJobNews(id: string, isLive: boolean) {
  const [progress, setProgress] = useState<JobProgress | null>(null);
  const [news, setNews] = useState<readonly JobNews[]>([]);
  const [attempt, setAttempt] = useState(0);
  const client = useQueryClient();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is another stream
  useEffect(() => {
    if (!isLive || streams >= MOST_STREAMS) return;
    streams += 1;
    const source = new EventSource(`/api/v1/jobs/${encodeURIComponent(id)}/events`);
    const parsed = (event: Event) => JSON.parse((event as MessageEvent<string>).data);
    const take = (kind: JobNews['kind']) => (event: Event) => {
      const { seq, at, ...data } = parsed(event);
      setNews((before) =>
        before.some((one) => one.seq === seq) ? before : [...before, { seq, at, kind, data }],
      );
    };
    for (const kind of ['status', 'phase', 'warning'] as const) source.addEventListener(kind, take(kind));
    source.addEventListener('progress', (event) => setProgress(parsed(event)));
    source.addEventListener('end', () => {
      source.close();
      for (const key of ['jobs', 'backups', 'triggers', 'health', 'restores', 'drills']) {
        void client.invalidateQueries({ queryKey: [key] });
      }
    });
    // A line that breaks is taken up by the browser; a refusal, as while the server begins anew, ends the stream.
    let again: ReturnType<typeof setTimeout> | undefined;
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) return;
      again = setTimeout(() => setAttempt((before) => before + 1), AGAIN_MS);
    });
    return () => {
      clearTimeout(again);
      streams -= 1;
      source.close();
    };
  }, [id, isLive, client, attempt]);
  return { progress, news };
}
