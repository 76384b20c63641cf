import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { HoldfastError, systemClock } from '../../engine/index.ts';
import type { LedgerDb, LedgerPlace, SqlValue } from './ledger-db.ts';

/** Longer than any transaction of the service takes. */
const BUSY_MS = 15_000;

/** With others of the ledger's, or without these, the tables are not the ones this file knows. */
const MIGRATIONS = '0010-ledger 0011-ledger-anchors';

export interface OpenPlace {
  readonly place: LedgerPlace;
  close(): Promise<void>;
}

/**
 * Opens the ledger in an SQLite catalog through `node:sqlite` alone. Null when there is no catalog, or one whose tables must
 * first be brought up to date: then `openCatalog` does it. Others may use the file at the same time.
 */
export function openLedgerFile(file: string): OpenPlace | null {
  if (!existsSync(file)) return null;
  const database = openDatabase(file);
  try {
    if (!isUpToDate(database)) {
      database.close();
      return null;
    }
  } catch (error) {
    database.close();
    throw unreachable(file, error);
  }
  const db = dbOf(database);
  const place: LedgerPlace = {
    clock: systemClock,
    db,
    async transaction(work) {
      await db.query('begin immediate');
      try {
        const result = await work(db);
        await db.query('commit');
        return result;
      } catch (error) {
        if (database.isTransaction) await db.query('rollback');
        throw error;
      }
    },
  };
  return { place, close: async () => database.close() };
}

function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    database.exec('pragma synchronous = full');
    return database;
  } catch (error) {
    throw unreachable(file, error);
  }
}

function isUpToDate(database: DatabaseSync): boolean {
  const hasList = database.prepare("select 1 from sqlite_schema where name = 'migrations'").get();
  if (!hasList) return false;
  const rows = database.prepare("select name from migrations where name like '001%' order by name").all();
  return rows.map(({ name }) => name).join(' ') === MIGRATIONS;
}

/** One user at a time: the command line. */
function dbOf(database: DatabaseSync): LedgerDb {
  const statements = new Map<string, StatementSync>();
  return {
    dialect: 'sqlite',
    async query<Row>(text: string, values: readonly SqlValue[] = []) {
      const statement = statements.get(text) ?? database.prepare(text);
      statements.set(text, statement);
      return statement.all(...values) as Row[];
    },
  };
}

function unreachable(file: string, error: unknown): HoldfastError {
  return new HoldfastError(
    'catalog_unreachable',
    `the catalog ${file} cannot be opened: ${(error as Error).message}`,
    {
      cause: error,
    },
  );
}
