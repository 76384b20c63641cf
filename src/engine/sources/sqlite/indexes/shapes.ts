import type { DatabaseSync } from 'node:sqlite';

/** A table whose indexes can be compared with it outside of SQLite. */
export interface TableShape {
  readonly name: string;
  readonly rootPage: number;
  readonly indexes: readonly IndexShape[];
  /** How many fields of a row are looked at. */
  readonly fields: number;
  /** Of these fields, those that records made before the column was added lack for another reason than NULL. */
  readonly defaulted: readonly boolean[];
}

export interface IndexShape {
  readonly rootPage: number;
  readonly unique: boolean;
  readonly keys: readonly KeyShape[];
}

export interface KeyShape {
  /** Which field of the row; -1 is the row's number. */
  readonly field: number;
  readonly descending: boolean;
  /** NOCASE. */
  readonly foldsCase: boolean;
}

export interface Shapes {
  readonly tables: readonly TableShape[];
  /** Tables whose indexes only SQLite understands. */
  readonly others: readonly string[];
}

/** Sorts the tables of a database. Tables without indexes are in neither list: there is nothing to compare. */
export function shapesOf(database: DatabaseSync): Shapes {
  const tables: TableShape[] = [];
  const others: string[] = [];
  const roots = new Map<string, number>();
  for (const { name, rootpage } of database.prepare('select name, rootpage from sqlite_schema').all()) {
    roots.set(String(name), Number(rootpage));
  }
  const isUtf8 = database.prepare('pragma encoding').get()!.encoding === 'UTF-8';
  const list = "select name, type, wr from pragma_table_list where schema = 'main' and type <> 'view'";
  for (const { name, type, wr } of database.prepare(list).all()) {
    const table = String(name);
    if (table === 'sqlite_schema') continue;
    const shape = wr === 0 && type !== 'virtual' ? shapeOf(database, table, { roots, isUtf8 }) : null;
    if (shape === null) others.push(table);
    else if (shape.indexes.length > 0) tables.push(shape);
  }
  return { tables, others };
}

/** Null for a table out of the ordinary. */
function shapeOf(
  database: DatabaseSync,
  name: string,
  { roots, isUtf8 }: { readonly roots: ReadonlyMap<string, number>; readonly isUtf8: boolean },
): TableShape | null {
  const listed = database
    .prepare('select name, "unique", partial, origin from pragma_index_list(?)')
    .all(name);
  const columns = database
    .prepare('select cid, type, dflt_value, pk, hidden from pragma_table_xinfo(?)')
    .all(name);
  const rootPage = roots.get(name);
  // Columns that are computed have no field of their own, which would shift the others.
  if (!rootPage || columns.some(({ hidden }) => hidden !== 0)) return null;
  const keyColumns = columns.filter(({ pk }) => Number(pk) > 0);
  const isNumber = keyColumns.length === 1 && /^integer$/i.test(String(keyColumns[0]!.type));
  const alias = isNumber && !listed.some(({ origin }) => origin === 'pk') ? Number(keyColumns[0]!.cid) : -1;
  const indexes: IndexShape[] = [];
  for (const index of listed) {
    const keys = keysOf(database, String(index.name), alias);
    const root = roots.get(String(index.name));
    if (keys === null || !root || index.partial !== 0) return null;
    // SQLite folds the case of text as UTF-8, whatever the database keeps it in.
    if (!isUtf8 && keys.some(({ foldsCase }) => foldsCase)) return null;
    indexes.push({ rootPage: root, unique: index.unique === 1, keys });
  }
  const fields = Math.max(0, ...indexes.flatMap(({ keys }) => keys.map(({ field }) => field + 1)));
  const defaulted = columns.slice(0, fields).map(({ dflt_value: value }) => value !== null);
  return { name, rootPage, indexes, fields, defaulted };
}

function keysOf(database: DatabaseSync, index: string, alias: number): KeyShape[] | null {
  const parts = database
    .prepare('select cid, "desc", coll, key from pragma_index_xinfo(?) order by seqno')
    .all(index);
  const last = parts.pop();
  if (last?.cid !== -1 || parts.some(({ key }) => key !== 1)) return null;
  const keys: KeyShape[] = [];
  for (const { cid, desc, coll } of parts) {
    const collation = String(coll).toUpperCase();
    const field = Number(cid);
    if (field < 0 || (collation !== 'BINARY' && collation !== 'NOCASE')) return null;
    const isAlias = field === alias;
    keys.push({
      field: isAlias ? -1 : field,
      descending: desc === 1,
      foldsCase: collation === 'NOCASE',
    });
  }
  return keys;
}
