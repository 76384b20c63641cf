import { AsyncResource } from 'node:async_hooks';
import { sql } from 'kysely';
import type { Client } from 'pg';
import pg from 'pg';
import type { Catalog, CatalogDb } from '../catalog/types.ts';

/** `due`: a worker should look for jobs. `job`: this one changed. `all`: anything may have. */
export type Hint = { readonly type: 'due' | 'all' } | { readonly type: 'job'; readonly id: string };

/** Hints reach whoever listens, here and in other processes. One that is lost costs a polling interval, nothing else. */
export interface Hints {
  listen(listener: (hint: Hint) => void): () => void;
  /** With a transaction: once it is committed. */
  send(hint: Hint, trx?: CatalogDb): Promise<void>;
  close(): Promise<void>;
}

const CHANNEL = 'holdfast_jobs';
const RECONNECT_MS = 1000;

export function openHints(catalog: Catalog): Hints {
  return catalog.pool === null ? localHints() : postgresHints(catalog, catalog.pool);
}

type Listeners = Set<(hint: Hint) => void>;

/**
 * Within this process. There is one connection to the database, so whoever looks after a hint waits for the transaction
 * that it was sent from.
 */
function localHints(): Hints {
  const listeners: Listeners = new Set();
  return {
    listen: (listener) => added(listeners, listener),
    async send(hint) {
      setImmediate(() => tell(listeners, hint));
    },
    close: async () => listeners.clear(),
  };
}

function postgresHints(catalog: Catalog, pool: pg.Pool): Hints {
  const listeners: Listeners = new Set();
  const connection = keepListening(pool, (hint) => tell(listeners, hint));
  return {
    listen: (listener) => added(listeners, listener),
    async send(hint, trx = catalog.db) {
      await sql`select pg_notify(${CHANNEL}, ${JSON.stringify(hint)})`.execute(trx);
    },
    async close() {
      listeners.clear();
      await connection.close();
    },
  };
}

/** Whoever listens runs where they began to listen, and not inside the transaction that a hint was sent from. */
function added(listeners: Listeners, listener: (hint: Hint) => void): () => void {
  const bound = AsyncResource.bind(listener);
  listeners.add(bound);
  return () => listeners.delete(bound);
}

function tell(listeners: Listeners, hint: Hint): void {
  for (const listener of [...listeners]) listener(hint);
}

/** One connection of its own that listens, opened again whenever it is lost: then anything may have been missed. */
function keepListening(pool: pg.Pool, tellAll: (hint: Hint) => void): { close(): Promise<void> } {
  let closed = false;
  let client: Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  const again = () => {
    client = null;
    if (!closed && timer === null) timer = setTimeout(connect, RECONNECT_MS);
  };
  const connect = async () => {
    timer = null;
    const opened = new pg.Client({ ...pool.options, application_name: 'holdfast hints', keepAlive: true });
    client = opened;
    opened.on('error', again);
    opened.on('end', again);
    opened.on('notification', ({ payload }) => tellAll(JSON.parse(payload ?? '{"type":"all"}') as Hint));
    try {
      await opened.connect();
      await opened.query(`listen ${CHANNEL}`);
      tellAll({ type: 'all' });
    } catch {
      again();
    }
    if (closed) await opened.end().catch(() => {});
  };
  const connecting = connect();
  return {
    async close() {
      closed = true;
      if (timer) clearTimeout(timer);
      await connecting;
      await client?.end().catch(() => {});
    },
  };
}
