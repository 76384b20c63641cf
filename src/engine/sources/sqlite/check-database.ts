import type { DatabaseSync } from 'node:sqlite';
import { SQLITE, sqliteCode } from './failures.ts';
import { unprovenTables } from './indexes/compare-indexes.ts';
import { Unusual } from './indexes/pages.ts';
import { shapesOf } from './indexes/shapes.ts';
import { openImmutable } from './open-live.ts';
import { quoteName } from './quote-name.ts';

export type TableRows = {
  readonly name: string;
  /** Null for a virtual table whose module this SQLite lacks. */
  readonly rows: number | null;
};

export interface CheckResult {
  /** First complaints of `integrity_check`; empty when it said `ok`. */
  readonly damage: readonly string[];
  /** Null when the damage keeps the file from being read at all. */
  readonly facts: CopyFacts | null;
}

export type CopyFacts = {
  readonly pageSize: number;
  readonly pageCount: number;
  readonly encoding: string;
  readonly userVersion: number;
  readonly applicationId: number;
  readonly autoVacuum: number;
  /** Every table with rows of its own, by name; empty when the file is damaged. */
  readonly tables: readonly TableRows[];
  readonly foreignKeyViolations: number;
  /** Tables that need a function, collation or module of the application's to be checked. */
  readonly unchecked: readonly string[];
};

const DAMAGE_NAMED = 10;
/** Enough for what reads a tree from end to end. */
const SMALL_CACHE_KIB = 4 * 1024;
/** `integrity_check` looks every row up in every index: with the default 2 MB it spends as long again on rereading pages. */
const CACHE_KIB = 48 * 1024;

/**
 * Checks a file that nobody writes to. Leaves nothing beside it. `bySqlite` has SQLite alone judge of it, also where its verdict can be
 * known sooner.
 */
export function checkDatabase(path: string, bySqlite = false): CheckResult {
  try {
    const database = openImmutable(path);
    try {
      return checkOpen(database, bySqlite ? null : path);
    } finally {
      database.close();
    }
  } catch (error) {
    const code = sqliteCode(error);
    if (code !== SQLITE.corrupt && code !== SQLITE.notADatabase) throw error;
    return { damage: [(error as Error).message], facts: null };
  }
}

function checkOpen(database: DatabaseSync, path: string | null): CheckResult {
  const unchecked = new Set<string>();
  const damage = path !== null && isProvenSound(database, path) ? [] : damageOf(database, unchecked);
  const isWhole = damage.length === 0;
  const facts: CopyFacts = {
    pageSize: Number(value(database, 'page_size')),
    pageCount: Number(value(database, 'page_count')),
    encoding: String(value(database, 'encoding')),
    userVersion: Number(value(database, 'user_version')),
    applicationId: Number(value(database, 'application_id')),
    autoVacuum: Number(value(database, 'auto_vacuum')),
    foreignKeyViolations: isWhole ? foreignKeyViolations(database, unchecked) : 0,
    tables: isWhole ? tableNames(database).map((name) => rowsOf(database, name)) : [],
    unchecked: [],
  };
  return { damage, facts: { ...facts, unchecked: [...unchecked].sort() } };
}

const value = (database: DatabaseSync, pragma: string) =>
  Object.values(database.prepare(`pragma ${pragma}`).get() ?? {})[0];

function tableNames(database: DatabaseSync): string[] {
  const rows = database.prepare("select name from sqlite_schema where type = 'table' order by name").all();
  return rows.map(({ name }) => String(name));
}

/**
 * True where `integrity_check` would find nothing, shown in a quarter of its time: `quick_check` is all of it but the comparison of indexes
 * with their tables, which is made here, or by `integrity_check` for single tables. False says nothing: then SQLite alone judges.
 */
function isProvenSound(database: DatabaseSync, path: string): boolean {
  try {
    const { tables, others } = shapesOf(database);
    if (tables.length === 0) return false;
    database.exec(`pragma cache_size = -${SMALL_CACHE_KIB}`);
    if (complaints(database, 'quick_check(1)').length > 0) return false;
    const left = [...others, ...unprovenTables(path, tables).map(({ name }) => name)];
    database.exec(`pragma cache_size = -${CACHE_KIB}`);
    return left.every((name) => complaints(database, `integrity_check(${quoteName(name)})`).length === 0);
  } catch (error) {
    if (sqliteCode(error) === 0 && !(error instanceof Unusual)) throw error;
    return false;
  }
}

/** What the application defined for itself is unknown here: then table by table, leaving out those that need it. */
function damageOf(database: DatabaseSync, unchecked: Set<string>): string[] {
  database.exec(`pragma cache_size = -${CACHE_KIB}`);
  try {
    return complaints(database, `integrity_check(${DAMAGE_NAMED})`);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE.error) throw error;
  }
  const damage: string[] = [];
  for (const name of tableNames(database)) {
    orUnchecked(name, unchecked, () =>
      damage.push(...complaints(database, `integrity_check(${quoteName(name)})`)),
    );
  }
  return damage.slice(0, DAMAGE_NAMED);
}

function complaints(database: DatabaseSync, check: string): string[] {
  const rows = database.prepare(`pragma ${check}`).all();
  // The first of a file's complaints has a heading above it.
  const lines = rows.flatMap((row) => String(Object.values(row)[0]).split('\n'));
  return lines.filter((text) => text !== 'ok' && !text.startsWith('*** in database '));
}

/** Counts rows whose parent is missing. A foreign key that names no unique column cannot be checked. */
function foreignKeyViolations(database: DatabaseSync, unchecked: Set<string>): number {
  const count = 'select count(*) as violations from pragma_foreign_key_check';
  try {
    return Number(database.prepare(count).get()!.violations);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE.error) throw error;
  }
  let violations = 0;
  for (const name of tableNames(database)) {
    orUnchecked(name, unchecked, () => {
      violations += Number(database.prepare(`${count}(?)`).get(name)!.violations);
    });
  }
  return violations;
}

function orUnchecked(name: string, unchecked: Set<string>, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (sqliteCode(error) !== SQLITE.error) throw error;
    unchecked.add(name);
  }
}

function rowsOf(database: DatabaseSync, name: string): TableRows {
  try {
    const row = database.prepare(`select count(*) as rows from ${quoteName(name)}`).get()!;
    return { name, rows: Number(row.rows) };
  } catch (error) {
    if (sqliteCode(error) !== SQLITE.error) throw error;
    return { name, rows: null };
  }
}
