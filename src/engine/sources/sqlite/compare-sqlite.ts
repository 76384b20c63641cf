import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { SQLITE, sqliteCode } from './failures.ts';
import { openImmutable } from './open-live.ts';
import { quoteName } from './quote-name.ts';

/**
 * What differs between two databases, in words: settings, schema, and every row of every table, each value with its
 * type, text by its bytes. Empty when they are equal. Nobody may write to either meanwhile.
 */
export function compareSqlite(a: string, b: string): string[] {
  const left = openQuiet(a);
  const right = openQuiet(b);
  try {
    const differences = pragmaDifferences(left, right);
    if (journalMode(a) !== journalMode(b)) differences.push('the journal mode differs');
    const schema = schemaOf(left);
    if (JSON.stringify(schema) !== JSON.stringify(schemaOf(right))) {
      return [...differences, 'the schemas differ'];
    }
    for (const table of tablesOf(left)) {
      const difference = tableDifference(left, right, table);
      if (difference !== null) differences.push(`table ${table.name} ${difference}`);
    }
    return differences;
  } finally {
    left.close();
    right.close();
  }
}

/** Without making files beside it, unless a WAL there holds part of the content. */
function openQuiet(path: string): DatabaseSync {
  const holds = (end: string) => (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (!holds('-wal') && !holds('-journal')) return openImmutable(path);
  return new DatabaseSync(path, { readOnly: true, enableDoubleQuotedStringLiterals: true });
}

const PRAGMAS = ['encoding', 'page_size', 'user_version', 'application_id', 'auto_vacuum'];

function pragmaDifferences(left: DatabaseSync, right: DatabaseSync): string[] {
  return PRAGMAS.filter((name) => {
    const [a, b] = [left, right].map((database) => JSON.stringify(database.prepare(`pragma ${name}`).get()));
    return a !== b;
  }).map((name) => `pragma ${name} differs`);
}

function journalMode(path: string): number {
  const descriptor = openSync(path, 'r');
  try {
    const header = Buffer.alloc(20);
    readSync(descriptor, header);
    // An empty file has no header yet, and means the same as one without WAL.
    return Math.max(1, header[18]!);
  } finally {
    closeSync(descriptor);
  }
}

function schemaOf(database: DatabaseSync): unknown[] {
  const statement = database.prepare(
    'select type, name, tbl_name, sql from sqlite_schema order by type, name',
  );
  return statement.all();
}

interface Table {
  readonly name: string;
  readonly kind: string;
  /** What identifies a row, and orders them; empty for a virtual table. */
  readonly key: readonly string[];
  readonly columns: readonly string[];
}

function tablesOf(database: DatabaseSync): Table[] {
  const rows = database
    .prepare("select name, type, wr from pragma_table_list where schema = 'main' and type <> 'view'")
    .all();
  return rows
    .filter(({ name }) => name !== 'sqlite_schema')
    .map(({ name, type, wr }) => tableOf(database, String(name), String(type), wr === 1))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function tableOf(database: DatabaseSync, name: string, kind: string, withoutRowid: boolean): Table {
  // Generated and hidden columns follow from the others.
  const stored = database
    .prepare('select name, pk from pragma_table_xinfo(?) where hidden = 0 order by cid')
    .all(name);
  const columns = stored.map((column) => String(column.name));
  const taken = new Set(columns.map((column) => column.toLowerCase()));
  const rowid = ['rowid', '_rowid_', 'oid'].filter((alias) => !taken.has(alias)).slice(0, 1);
  const primary = stored.filter(({ pk }) => Number(pk) > 0).sort((x, y) => Number(x.pk) - Number(y.pk));
  const key = withoutRowid ? primary.map((column) => String(column.name)) : rowid;
  return { name, kind, key: kind === 'virtual' ? [] : key, columns };
}

/** Few enough for the limits on result columns. */
const COLUMNS_AT_ONCE = 400;

function tableDifference(left: DatabaseSync, right: DatabaseSync, table: Table): string | null {
  // What a virtual table holds is in its shadow tables; reading through it needs its module.
  if (table.kind === 'virtual' && !(canRead(left, table) && canRead(right, table))) return null;
  for (let at = 0; at < table.columns.length; at += COLUMNS_AT_ONCE) {
    const sql = selectOf(table, table.columns.slice(at, at + COLUMNS_AT_ONCE));
    const difference = firstDifference(rowsOf(left, sql), rowsOf(right, sql), table.key.length);
    if (difference !== null) return difference;
  }
  return null;
}

function canRead(database: DatabaseSync, table: Table): boolean {
  try {
    database.prepare(selectOf(table, table.columns));
    return true;
  } catch (error) {
    if (sqliteCode(error) === SQLITE.error) return false;
    throw error;
  }
}

/** Each value as its type and itself; text as a blob, since not every text in a database is valid. */
function selectOf({ name, key, columns }: Table, some: readonly string[]): string {
  const values = [...key, ...some].map(quoteName).flatMap((column) => {
    return [`typeof(${column})`, `iif(typeof(${column}) = 'text', cast(${column} as blob), ${column})`];
  });
  const order = key.length > 0 ? ` order by ${key.map(quoteName).join(', ')}` : '';
  return `select ${values.length > 0 ? values.join(', ') : columns.length} from ${quoteName(name)}${order}`;
}

function* rowsOf(database: DatabaseSync, sql: string): Generator<SQLOutputValue[]> {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  for (const row of statement.iterate()) yield row as unknown as SQLOutputValue[];
}

type Rows = Iterator<SQLOutputValue[]>;

function firstDifference(a: Rows, b: Rows, keyColumns: number): string | null {
  for (let row = 0; ; row += 1) {
    const [left, right] = [a.next(), b.next()];
    if (left.done && right.done) return null;
    if (left.done || right.done) return `has ${left.done ? 'only' : 'more than'} ${row} rows in the first`;
    if (left.value.every((value, i) => isSame(value, right.value[i]))) continue;
    const key = left.value.filter((_, i) => i < keyColumns * 2 && i % 2 === 1).map(textOf);
    return `differs in row ${row}${key.length > 0 ? `, key ${key.join(', ')}` : ''}`;
  }
}

const textOf = (value: SQLOutputValue) =>
  value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);

/** `Object.is` tells 0 from -0. */
function isSame(a: SQLOutputValue, b: SQLOutputValue | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return Object.is(a, b);
}
