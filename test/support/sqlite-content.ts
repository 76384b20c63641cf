/** What a database holds, read with nothing of the product's: to be compared with `deepEqual`. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

export interface SqliteContent {
  readonly pragmas: { readonly [name: string]: unknown };
  /** Every row of `sqlite_schema`, in its order. */
  readonly schema: readonly unknown[];
  /** Rows of each table and a digest of them in the order of the table. */
  readonly tables: { readonly [name: string]: { readonly rows: number; readonly digest: string } };
}

const PRAGMAS = [
  'integrity_check',
  'foreign_key_check',
  'encoding',
  'page_size',
  'page_count',
  'freelist_count',
  'auto_vacuum',
  'journal_mode',
  'user_version',
  'application_id',
];

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Opens like any application, so a journal left there is played back: give it a copy if that matters. */
export function sqliteContent(path: string): SqliteContent {
  const database = new DatabaseSync(path, { enableDoubleQuotedStringLiterals: true });
  try {
    const names = database.prepare("select name from sqlite_schema where type = 'table' order by name").all();
    return {
      pragmas: Object.fromEntries(PRAGMAS.map((name) => [name, database.prepare(`pragma ${name}`).all()])),
      schema: database.prepare('select rowid, * from sqlite_schema order by rowid').all(),
      tables: Object.fromEntries(
        names.map(({ name }) => [String(name), tableContent(database, String(name))]),
      ),
    };
  } finally {
    database.close();
  }
}

/** A result has at most 2,000 columns. */
const COLUMNS_AT_ONCE = 600;

function tableContent(database: DatabaseSync, name: string): { rows: number; digest: string } {
  const listed = database.prepare('select name from pragma_table_xinfo(?) where hidden <> 1').all(name);
  const columns = listed.map((column) => quoted(String(column.name)));
  if (hasRowid(database, name)) columns.unshift('rowid');
  const hash = createHash('sha256');
  let rows = 0;
  for (let at = 0; at < columns.length; at += COLUMNS_AT_ONCE) {
    // The bytes of a text come as a blob: not every text is valid, and a string would hide that.
    const values = columns
      .slice(at, at + COLUMNS_AT_ONCE)
      .flatMap((column) => [`typeof(${column})`, column, `cast(${column} as blob)`]);
    const statement = database.prepare(`select ${values.join(', ')} from ${quoted(name)}`);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    rows = 0;
    for (const row of statement.iterate() as unknown as Iterable<unknown[]>) {
      rows += 1;
      hash.update(JSON.stringify(row.map(textOf)));
    }
  }
  return { rows, digest: hash.digest('hex') };
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return Object.is(value, -0) ? '-0' : String(value);
}

function hasRowid(database: DatabaseSync, name: string): boolean {
  try {
    database.prepare(`select rowid from ${quoted(name)}`);
    return true;
  } catch {
    return false;
  }
}
