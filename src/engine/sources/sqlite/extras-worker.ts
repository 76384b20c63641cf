/** The process that runs one query on the copy and writes its rows to a file. It answers once, and ends; also with its parent. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ExtraTask } from './extras.ts';
import { quoteName } from './quote-name.ts';

const PIECE_LETTERS = 1 << 18;

type Value = null | bigint | number | string | Uint8Array;

function run({ path, file, query, table, format }: ExtraTask): number {
  const database = new DatabaseSync(path, { readOnly: true, enableDoubleQuotedStringLiterals: true });
  try {
    const sql = table === null ? query : `select * from ${known(database, table)}`;
    return write(prepared(database, sql), file, format);
  } finally {
    database.close();
  }
}

function known(database: DatabaseSync, name: string): string {
  const find = database.prepare(
    "select name from sqlite_schema where type in ('table', 'view') and name = ?",
  );
  const found = find.get(name) as { name: string } | undefined;
  if (!found) throw new Error(`there is no table ${name}`);
  return quoteName(found.name);
}

/** SQLite itself would run the first of several statements and leave out the rest without a word. */
function prepared(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  const rest = sql.slice(statement.sourceSQL.length).trim();
  if (rest !== '') throw new Error('the query holds more than one statement');
  if (statement.columns().length === 0) throw new Error('the query gives no rows');
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

function write(statement: StatementSync, file: string, format: ExtraTask['format']): number {
  const names = statement.columns().map(({ name }) => name);
  const output = openSync(file, 'wx', 0o600);
  const lineOf = format === 'csv' ? csvLine : (row: Value[]) => jsonLine(names, row);
  let rows = 0;
  let text = format === 'csv' ? csvLine(names) : '';
  const flush = () => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(output, bytes, at);
    text = '';
  };
  try {
    for (const row of statement.iterate() as Iterable<unknown> as Iterable<Value[]>) {
      text += lineOf(row);
      rows += 1;
      if (text.length >= PIECE_LETTERS) flush();
    }
    flush();
    return rows;
  } finally {
    closeSync(output);
  }
}

/** As PostgreSQL writes CSV: NULL is nothing at all, an empty text is `""`. */
function csvLine(row: readonly Value[]): string {
  return `${row.map(csvField).join(',')}\n`;
}

function csvField(value: Value): string {
  if (value === null) return '';
  const text = typeof value === 'object' ? hex(value) : String(value);
  return text === '' || text === '\\.' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function jsonLine(names: readonly string[], row: readonly Value[]): string {
  return `{${row.map((value, i) => `${JSON.stringify(names[i])}:${jsonValue(value)}`).join(',')}}\n`;
}

/** Integers as they are, whatever their size. Infinity, which JSON does not know, as text. */
function jsonValue(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
  return JSON.stringify(typeof value === 'object' ? hex(value) : value);
}

const hex = (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString('hex')}`;

process.once('message', (task: ExtraTask) => {
  let answer: { readonly rows: number } | { readonly message: string };
  try {
    answer = { rows: run(task) };
  } catch (error) {
    answer = { message: (error as Error).message };
  }
  process.send!(answer, () => process.disconnect());
});
