import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Insertion, Removal } from '../retained-table.ts';
import type { TableShape } from './retained-shape.ts';
import type { Turns } from './retained-turns.ts';

/** A write lock is held for about so long; batches grow and shrink to keep to it. */
const TARGET_MS = 40;
const LEAST_ROWS = 100;

/** See `RetainedTable.removeArchived`. */
export async function removeRows(
  database: DatabaseSync,
  shape: TableShape,
  file: string,
  turns: Turns,
  onRows: (rows: number) => void,
): Promise<Removal> {
  const { table, rowId } = shape;
  return withArchive(database, file, async () => {
    const inBatch = `select a.${rowId} from archive.${table} a where a.${rowId} > ? and a.${rowId} <= ?`;
    const remove = database.prepare(`delete from main.${table} where ${rowId} in
      (select a.${rowId} from archive.${table} a cross join main.${table} t on t.${rowId} = a.${rowId}
       where a.${rowId} > ? and a.${rowId} <= ? and ${sameRow(shape)})`);
    const left = database.prepare(`select count(*) as n from main.${table} where ${rowId} in (${inBatch})`);
    let [deleted, changed] = [0, 0];
    await eachBatch(database, shape, turns, (from, to) => {
      const gone = Number(remove.run(from, to).changes);
      deleted += gone;
      changed += (left.get(from, to) as { n: number }).n;
      onRows(gone);
    });
    return { deleted, changed };
  });
}

/** See `RetainedTable.insertArchived`. */
export async function insertRows(
  database: DatabaseSync,
  shape: TableShape,
  file: string,
  turns: Turns,
  onRows: (rows: number) => void,
): Promise<Insertion> {
  const { table, rowId, columns, hasKeyColumn } = shape;
  const names = [...(hasKeyColumn ? [] : [rowId]), ...columns];
  return withArchive(database, file, async () => {
    const insert = database.prepare(`insert or ignore into main.${table} (${names.join(', ')})
      select ${names.map((name) => `a.${name}`).join(', ')} from archive.${table} a
      where a.${rowId} > ? and a.${rowId} <= ? order by a.${rowId}`);
    const equal = database.prepare(`select count(*) as n from archive.${table} a cross join main.${table} t
      on t.${rowId} = a.${rowId} where a.${rowId} > ? and a.${rowId} <= ? and ${sameRow(shape)}`);
    const inArchive = database.prepare(
      `select count(*) as n from archive.${table} a where a.${rowId} > ? and a.${rowId} <= ?`,
    );
    const countOf = (statement: typeof equal, from: bigint, to: bigint) =>
      (statement.get(from, to) as { n: number }).n;
    let [inserted, present, different] = [0, 0, 0];
    await eachBatch(database, shape, turns, (from, to) => {
      const before = countOf(equal, from, to);
      const all = countOf(inArchive, from, to);
      // The last one that may find the database locked: a piece is counted once.
      const added = Number(insert.run(from, to).changes);
      inserted += added;
      present += before;
      different += all - before - added;
      onRows(added);
    });
    return { inserted, present, different };
  });
}

/** `is` alone takes 1 for 1.0, and with a collation 'A' for 'a'. */
function sameRow({ columns }: TableShape): string {
  return columns
    .map((name) => `t.${name} is a.${name} collate binary and typeof(t.${name}) = typeof(a.${name})`)
    .join(' and ');
}

async function withArchive<T>(database: DatabaseSync, file: string, work: () => Promise<T>): Promise<T> {
  const url = pathToFileURL(file);
  url.search = '?immutable=1';
  database.prepare('attach ? as archive').run(url.href);
  try {
    return await work();
  } finally {
    database.exec('detach archive');
  }
}

async function eachBatch(
  database: DatabaseSync,
  { table, rowId }: TableShape,
  turns: Turns,
  work: (from: bigint, to: bigint) => void,
): Promise<void> {
  const next = database.prepare(`select max(r) as last from
    (select ${rowId} as r from archive.${table} where ${rowId} > ? order by ${rowId} limit ?)`);
  next.setReadBigInts(true);
  let from = -9_223_372_036_854_775_808n;
  let rows = Math.min(turns.pace.batchRows, 200);
  for (;;) {
    const { last } = next.get(from, rows) as { last: bigint | null };
    if (last === null) return;
    const since = from;
    let tookMs = 0;
    await turns.run(() => {
      const startedMs = performance.now();
      work(since, last);
      tookMs = performance.now() - startedMs;
    });
    from = last;
    if (tookMs > TARGET_MS) rows = Math.max(LEAST_ROWS, Math.floor(rows / 2));
    else if (tookMs < TARGET_MS / 2) rows = Math.min(turns.pace.batchRows, rows * 2);
    await turns.pause(tookMs);
  }
}
