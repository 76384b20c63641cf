import { randomFillSync } from 'node:crypto';
import { type Multiset, multiset } from './multiset.ts';
import { compareFields, compareRowids, isNull } from './order.ts';
import { openPages, type Pages, Unusual } from './pages.ts';
import { newRecord, type RecordFields } from './record.ts';
import type { IndexShape, KeyShape, TableShape } from './shapes.ts';
import { walkIndex, walkTable } from './walk.ts';

/**
 * Compares every index of `tables` in the file at `path` with its table, as `integrity_check` does but reading each tree once from end to
 * end: both must hold the same entries, and the index must be in order, without doubles where it is unique. Gives the tables for which it
 * could not be shown; it never says that one is damaged: that is for SQLite to judge. Only for a file whose trees `quick_check` found sound.
 */
export function unprovenTables(path: string, tables: readonly TableShape[]): TableShape[] {
  const pages = openPages(path);
  try {
    return tables.filter((table) => !isEqual(pages, table));
  } finally {
    pages.close();
  }
}

function isEqual(pages: Pages, table: TableShape): boolean {
  try {
    const key = randomFillSync(new Int32Array(2));
    const expected = sumsOfTable(pages, table, key);
    return table.indexes.every((index, i) => sumOfIndex(pages, index, key) === expected[i]);
  } catch (error) {
    // Whatever is wrong, also beyond the end of a page, is for SQLite to put into words.
    if (error instanceof Unusual || error instanceof RangeError) return false;
    throw error;
  }
}

/** What each index must hold. */
function sumsOfTable(pages: Pages, table: TableShape, key: Int32Array): string[] {
  const { indexes, fields, defaulted } = table;
  const entries = multiset(indexes.length, key);
  const record = newRecord(fields);
  const keys = indexes.map((index) => Int32Array.from(index.keys, ({ field }) => field));
  const visit = () => {
    for (let i = record.count; i < fields; i += 1) {
      if (defaulted[i]) throw new Unusual('a row older than its column');
      record.types[i] = 0;
    }
    for (let i = 0; i < keys.length; i += 1) addRow(entries, record, keys[i]!, i);
  };
  walkTable(pages, table.rootPage, record, visit);
  return indexes.map((_, i) => entries.sumOf(i));
}

function addRow(entries: Multiset, record: RecordFields, fields: Int32Array, sum: number): void {
  entries.begin();
  for (let i = 0; i < fields.length; i += 1) {
    if (fields[i]! < 0) entries.rowid(record);
    else entries.field(record, fields[i]!);
  }
  entries.rowid(record);
  entries.add(sum);
}

/** Throws `Unusual` for an index out of order, or a unique one with two equal keys. */
function sumOfIndex(pages: Pages, { rootPage, unique, keys }: IndexShape, key: Int32Array): string {
  const fields = keys.length + 1;
  const entries = multiset(1, key);
  let before: RecordFields | null = null;
  const visit = (record: RecordFields) => {
    entries.begin();
    for (let i = 0; i < keys.length; i += 1) entries.field(record, i);
    entries.rowid(record);
    entries.add(0);
    if (before !== null) requireOrder(before, record, keys, unique);
    before = record;
  };
  walkIndex(pages, rootPage, fields, [newRecord(fields), newRecord(fields)], visit);
  return entries.sumOf(0);
}

function requireOrder(
  before: RecordFields,
  record: RecordFields,
  keys: readonly KeyShape[],
  unique: boolean,
): void {
  let hasNull = false;
  for (let i = 0; i < keys.length; i += 1) {
    const { descending, foldsCase } = keys[i]!;
    const difference = compareFields(before, record, i, foldsCase);
    if (difference === 0) {
      hasNull ||= isNull(record, i);
      continue;
    }
    if (difference < 0 === descending) throw new Unusual('order');
    return;
  }
  if (compareRowids(before, record) >= 0) throw new Unusual('order');
  if (unique && !hasNull) throw new Unusual('double');
}
