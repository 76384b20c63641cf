import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../base/errors.ts';
import type { RetentionRule } from '../retained-table.ts';
import { quoteName } from './quote-name.ts';

/** All names are quoted. */
export interface TableShape {
  readonly table: string;
  /** A name of the row id that no column hides. */
  readonly rowId: string;
  /** Columns that hold something themselves: generated ones do not. */
  readonly columns: readonly string[];
  /** True when a column is the row id. */
  readonly hasKeyColumn: boolean;
  /** Makes the table of an archive: without types, so that no value is converted. */
  readonly archiveDefinition: string;
  readonly archiveColumns: string;
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  readonly hidden: number;
}

/** Throws `item_unknown`, `config_invalid`. */
export function describeTable(database: DatabaseSync, path: string, rule: RetentionRule): TableShape {
  const { table } = rule;
  const found = database
    .prepare("select name, type, wr from pragma_table_list where schema = 'main' and name = ? collate nocase")
    .get(table) as { name: string; type: string; wr: number } | undefined;
  if (!found) throw new HoldfastError('item_unknown', `${path} has no table ${table}`);
  if (found.type !== 'table') throw unfit(`${table} is a ${found.type}, not a table with rows of its own`);
  if (found.wr === 1) throw unfit(`${table} is WITHOUT ROWID, and its rows cannot be taken by number`);
  const all = database
    .prepare('select name, type, pk, hidden from pragma_table_xinfo(?)')
    .all(found.name) as unknown as ColumnInfo[];
  if (!all.some(({ name }) => name.toLowerCase() === rule.column.toLowerCase())) {
    throw new HoldfastError('item_unknown', `the table ${table} has no column ${rule.column}`);
  }
  refuseReferences(database, found.name);
  const names = all.filter(({ hidden }) => hidden === 0).map(({ name }) => name);
  const keys = all.filter(({ pk }) => pk > 0);
  const key = keys.length === 1 && /^integer$/i.test(keys[0]!.type) ? keys[0]! : null;
  const free = ['rowid', '_rowid_', 'oid'].find((one) => !all.some(({ name }) => name.toLowerCase() === one));
  const rowId = key ? quoteName(key.name) : free;
  if (rowId === undefined) throw unfit(`${table} has columns named rowid, _rowid_ and oid`);
  const columns = names.map(quoteName);
  const definitions = names.map(
    (name) => `${quoteName(name)}${name === key?.name ? ' integer primary key' : ''}`,
  );
  return {
    table: quoteName(found.name),
    rowId,
    columns,
    hasKeyColumn: key !== null,
    archiveDefinition: `create table archive.${quoteName(found.name)} (${definitions.join(', ')})`,
    archiveColumns: [...(key ? [] : [rowId]), ...columns].join(', '),
  };
}

/** Their rows would point nowhere, or vanish along without having been archived. */
function refuseReferences(database: DatabaseSync, table: string): void {
  const [other] = database
    .prepare(
      `select t.name from pragma_table_list t, pragma_foreign_key_list(t.name) f
       where t.schema = 'main' and t.type = 'table' and f."table" = ? collate nocase`,
    )
    .all(table) as { name: string }[];
  if (other) throw unfit(`foreign keys of ${other.name} refer to ${table}: its rows cannot go alone`);
}

const unfit = (message: string) =>
  new HoldfastError('config_invalid', message, { next: 'see docs/table-retention.md, limits' });
