import { AsyncLocalStorage } from 'node:async_hooks';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';

/** How long a statement waits for another process. Longer than any transaction of ours takes. */
const BUSY_MS = 15_000;
const BUSY_STEP_MS = 3;
const SQLITE_BUSY = 5;

/** Prepared statements kept; the queries of a server are some hundreds. */
const STATEMENTS = 300;

/**
 * Kysely on `node:sqlite`: one connection, handed to one user at a time, so that transactions of concurrent requests
 * do not interleave.
 */
export function sqliteDriver(database: DatabaseSync): {
  readonly driver: Driver;
  guarded<T>(work: () => Promise<T>): Promise<T>;
} {
  const inside = new AsyncLocalStorage<{ open: boolean }>();
  const connection = connectionOf(database);
  let last: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  const driver: Driver = {
    async init() {},
    async acquireConnection() {
      if (inside.getStore()?.open) {
        throw new Error('a query inside a transaction went around it: use the trx that it was given');
      }
      const before = last;
      const mine = Promise.withResolvers<void>();
      last = mine.promise;
      await before;
      release = mine.resolve;
      return connection;
    },
    // At once for writing: a transaction that reads first and writes then could not be let through.
    beginTransaction: () => patiently(() => database.exec('begin immediate')),
    commitTransaction: () => patiently(() => database.exec('commit')),
    async rollbackTransaction() {
      // Some errors, such as a full disk, have rolled back already.
      if (database.isTransaction) database.exec('rollback');
    },
    async releaseConnection() {
      release();
    },
    async destroy() {
      await last;
      if (database.isOpen) database.close();
    },
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    const state = { open: true };
    try {
      return await inside.run(state, work);
    } finally {
      // What the work left running in the background is no longer inside.
      state.open = false;
    }
  };
  return { driver, guarded };
}

function connectionOf(database: DatabaseSync): DatabaseConnection {
  const statements = new Map<string, StatementSync>();
  const prepared = (text: string): StatementSync => {
    const known = statements.get(text) ?? database.prepare(text);
    statements.delete(text);
    statements.set(text, known);
    const oldest = statements.size > STATEMENTS ? statements.keys().next().value : undefined;
    if (oldest !== undefined) statements.delete(oldest);
    return known;
  };
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const values = parameters as readonly SQLInputValue[];
      return patiently(() => {
        const statement = prepared(sql);
        if (statement.columns().length > 0) {
          // As plain objects, which node:sqlite does not make.
          return { rows: statement.all(...values).map((row) => ({ ...row }) as R) };
        }
        const { changes, lastInsertRowid } = statement.run(...values);
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
      });
    },
    async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncGenerator<QueryResult<R>> {
      // Not from the cache: somebody else may run the same text while this is read.
      const rows = database.prepare(sql).iterate(...(parameters as readonly SQLInputValue[]));
      for (const row of rows) yield { rows: [row as R] };
    },
  };
}

/** Waits for other processes without holding up this one, as SQLite's own waiting would. */
async function patiently<T>(work: () => T): Promise<T> {
  const lastMs = performance.now() + BUSY_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const { errcode } = error as { errcode?: unknown };
      const isBusy = typeof errcode === 'number' && (errcode & 0xff) === SQLITE_BUSY;
      if (!isBusy || performance.now() > lastMs) throw error;
    }
    await sleep(BUSY_STEP_MS);
  }
}
