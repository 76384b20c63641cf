import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { batchSize } from '../retained-batches.ts';
import type { Insertion, Removal } from '../retained-table.ts';
import type { TableShape } from './retained-shape.ts';
import type { Turns } from './retained-turns.ts';

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
    const remove = database.prepare(`delete from main.${table} where ${rowId} in
      (select a.${rowId} from archive.${table} a cross join main.${table} t on t.${rowId} = a.${rowId}
       where a.${rowId} > ? and a.${rowId} <= ? and ${sameRow(shape)})`);
    const left = database.prepare(`select count(*) as n from archive.${table} a cross join main.${table} t
      on t.${rowId} = a.${rowId} where a.${rowId} > ? and a.${rowId} <= ?`);
    let [deleted, changed] = [0, 0];
    await eachBatch(database, shape, turns, (from, to, rows) => {
      const gone = Number(remove.run(from, to).changes);
      return () => {
        const there = gone < rows ? (left.get(from, to) as { n: number }).n : 0;
        deleted += gone;
        changed += there;
        onRows(gone);
      };
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
    let [inserted, present, different] = [0, 0, 0];
    await eachBatch(database, shape, turns, (from, to, rows) => {
      const before = (equal.get(from, to) as { n: number }).n;
      const added = Number(insert.run(from, to).changes);
      return () => {
        inserted += added;
        present += before;
        different += rows - before - added;
        onRows(added);
      };
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

/** What gives what is to be done once its write is through: a write that finds the database locked is tried again. */
type Batch = (from: bigint, to: bigint, rows: number) => () => void;

async function eachBatch(
  database: DatabaseSync,
  { table, rowId }: TableShape,
  turns: Turns,
  work: Batch,
): Promise<void> {
  const next = database.prepare(`select max(r) as last, count(*) as n from
    (select ${rowId} as r from archive.${table} where ${rowId} > ? order by ${rowId} limit ?)`);
  next.setReadBigInts(true);
  const size = batchSize(turns.pace.batchRows);
  let from = -9_223_372_036_854_775_808n;
  for (;;) {
    const { last, n } = next.get(from, size.rows()) as { last: bigint | null; n: bigint };
    if (last === null) return;
    const since = from;
    let tookMs = 0;
    const counted = await turns.run(() => {
      const startedMs = performance.now();
      const done = work(since, last, Number(n));
      tookMs = performance.now() - startedMs;
      return done;
    });
    await turns.run(counted);
    from = last;
    size.took(tookMs);
    await turns.pause(tookMs / 2);
  }
}
