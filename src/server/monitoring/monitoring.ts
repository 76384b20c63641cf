import { sql } from 'kysely';
import type { Catalog } from '../catalog/types.ts';
import { type MetricsText, openMetrics } from './metrics.ts';

export interface Look {
  readonly ok: boolean;
  readonly body: { readonly status: string };
}

/** What the server answers about itself. The looks say no more than whether: they are open to all. */
export interface Monitoring {
  /** The process lives. */
  readonly healthz: () => Promise<Look>;
  /** It can work: the catalog answers within two seconds, and the server does not stop. Never throws. */
  readonly readyz: () => Promise<Look>;
  /** Throws what the catalog throws. */
  readonly metrics: () => Promise<MetricsText>;
  /** From now on it is not ready, so that nobody is sent here any more. */
  stop(): void;
}

const PATIENCE_MS = 2000;

export function openMonitoring(catalog: Catalog, version: string): Monitoring {
  let isStopping = false;
  return {
    healthz: async () => ({ ok: true, body: { status: 'ok' } }),
    async readyz() {
      if (isStopping) return { ok: false, body: { status: 'stopping' } };
      const ok = await answers(catalog);
      return { ok, body: { status: ok ? 'ok' : 'the catalog does not answer' } };
    },
    metrics: openMetrics(catalog, version),
    stop() {
      isStopping = true;
    },
  };
}

async function answers({ db }: Catalog): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, PATIENCE_MS, false);
  const question = sql`select count(*) from migrations`.execute(db).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([question, promise]);
  } finally {
    clearTimeout(timer);
  }
}
