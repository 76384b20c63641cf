import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { quoteName } from './quote-name.ts';

/** What differs between two databases, in words: schema, and every row of every table. Empty when they are equal. */
export function compareSqlite(a: string, b: string): string[] {
  const left = new DatabaseSync(a, { readOnly: true });
  const right = new DatabaseSync(b, { readOnly: true });
  try {
    const differences = pragmaDifferences(left, right);
    const schema = schemaOf(left);
    if (JSON.stringify(schema) !== JSON.stringify(schemaOf(right))) differences.push('the schemas differ');
    for (const { type, name } of schema) {
      if (type !== 'table') continue;
      const at = firstDifference(rowsOf(left, name), rowsOf(right, name));
      if (at !== null) differences.push(`table ${name} differs from row ${at}`);
    }
    return differences;
  } finally {
    left.close();
    right.close();
  }
}

const PRAGMAS = ['encoding', 'page_size', 'user_version', 'application_id', 'auto_vacuum', 'journal_mode'];

function pragmaDifferences(left: DatabaseSync, right: DatabaseSync): string[] {
  return PRAGMAS.filter((name) => {
    const [a, b] = [left, right].map((database) => JSON.stringify(database.prepare(`pragma ${name}`).get()));
    return a !== b;
  }).map((name) => `pragma ${name} differs`);
}

interface SchemaItem {
  readonly type: string;
  readonly name: string;
  readonly sql: string | null;
}

function schemaOf(database: DatabaseSync): SchemaItem[] {
  const rows = database.prepare('select type, name, sql from sqlite_schema order by type, name').all();
  return rows.map(({ type, name, sql }) => ({
    type: String(type),
    name: String(name),
    sql: sql as string | null,
  }));
}

/** Rows in the order of storage, each value with its type. */
function* rowsOf(database: DatabaseSync, table: string): Generator<string> {
  const statement = database.prepare(`select * from ${quoteName(table)}`);
  statement.setReadBigInts(true);
  for (const row of statement.iterate()) yield Object.values(row).map(textOf).join('\u001f');
}

function textOf(value: SQLOutputValue): string {
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  return `${typeof value}:${String(value)}`;
}

function firstDifference(a: Iterator<string>, b: Iterator<string>): number | null {
  for (let row = 0; ; row += 1) {
    const [left, right] = [a.next(), b.next()];
    if (left.done && right.done) return null;
    if (left.done !== right.done || left.value !== right.value) return row;
  }
}
