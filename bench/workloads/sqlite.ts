/** The shop's tables as an SQLite database in WAL mode. */
import { createReadStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { rowCounts } from '../data/row-counts.ts';
import { editOf, rowOf, TABLES, type Table, tableSeed } from '../data/tables.ts';
import { type Pattern, pickChanged } from '../patterns.ts';
import { GIB } from '../sizes.ts';
import { pauses } from './pause.ts';
import type { Workload, WorkloadOptions } from './port.ts';

/** Rows come to so much of the file; indexes and empty space make up the rest. */
const TEXT_SHARE = 0.75;
const CHANGES_A_TRANSACTION = 50;

/** About 1 GiB at scale 1. */
export async function sqliteWorkload(options: WorkloadOptions): Promise<Workload> {
  const { seed, signal } = options;
  const path = join(options.folder, 'shop.db');
  const counts = rowCounts(GIB * TEXT_SHARE * options.scale, seed);
  await create(path, counts, seed, signal);
  let targets = 0;
  return {
    source: { kind: 'sqlite', path },
    sizeBytes: statSync(path).size,
    facts: { tables: TABLES.length, rows: [...counts.values()].reduce((sum, rows) => sum + rows, 0) },
    change: (pattern, round) => change({ path, counts, seed, signal, pattern, round }),
    async warm() {
      for await (const _ of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
        // Only for the page cache.
      }
    },
    async restoreTarget() {
      targets += 1;
      const place = join(options.folder, `restored-${targets}.db`);
      return {
        place,
        check: async (restored) => compareDatabases(path, restored),
        remove: async () => {
          for (const end of ['', '-wal', '-shm']) rmSync(place + end, { force: true });
        },
      };
    },
    close: async () => {},
  };
}

async function create(
  path: string,
  counts: Map<string, number>,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const database = new DatabaseSync(path);
  const pause = pauses(signal);
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = off; begin');
    for (const table of TABLES) {
      const types = table.columns.map(
        ({ name, sqlite }, i) => `${name} ${sqlite}${i === 0 ? ' primary key' : ''}`,
      );
      database.exec(`create table ${table.name} (${types.join(', ')})`);
      const marks = table.columns.map(() => '?').join(', ');
      const insert = database.prepare(`insert into ${table.name} values (${marks})`);
      for (let n = 1; n <= counts.get(table.name)!; n += 1) {
        insert.run(...rowOf(table, n, seed, (name) => counts.get(name)!));
        await pause();
      }
      for (const { columns, unique } of table.indexes) {
        const name = `${table.name}_${columns.replaceAll(', ', '_')}`;
        database.exec(`create ${unique ? 'unique ' : ''}index ${name} on ${table.name} (${columns})`);
      }
    }
    database.exec('commit; pragma wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
}

interface Change {
  readonly path: string;
  readonly counts: Map<string, number>;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly pattern: Pattern;
  readonly round: number;
}

async function change({ path, counts, seed, signal, pattern, round }: Change): Promise<number> {
  const database = new DatabaseSync(path);
  const pause = pauses(signal);
  let changed = 0;
  try {
    database.exec('pragma synchronous = off; begin');
    for (const table of TABLES) {
      const update = database.prepare(updateText(table));
      const rows = pickChanged(pattern, counts.get(table.name)!, tableSeed(table, seed) + round);
      for (const n of rows) {
        update.run(...editOf(table, n, seed, round), n);
        changed += 1;
        if (changed % CHANGES_A_TRANSACTION === 0) database.exec('commit; begin');
        await pause();
      }
    }
    database.exec('commit; pragma wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
  return changed;
}

const updateText = (table: Table) =>
  `update ${table.name} set ${table.edited.map((name) => `${name} = ?`).join(', ')} where id = ?`;

/**
 * Throws when a table has other rows than in `expected`, or SQLite finds the file damaged. SQLite compares by itself,
 * value by value, which takes a tenth of the time of fetching all of them.
 */
export function compareDatabases(expected: string, actual: string): void {
  const database = new DatabaseSync(actual, { readOnly: true });
  try {
    const found = database.prepare('pragma quick_check').get();
    if (found?.quick_check !== 'ok') throw new Error(`${actual} is damaged: ${found?.quick_check}`);
    database.prepare('attach ? as wanted').run(expected);
    for (const { name, columns } of TABLES) {
      const values = (side: string) => columns.map((column) => `${side}.${column.name}`).join(', ');
      const equal = `wanted.${name} a join main.${name} b on a.id = b.id where (${values('a')}) is (${values('b')})`;
      const counts = database
        .prepare(
          `select (select count(*) from wanted.${name}) wanted, (select count(*) from main.${name}) restored, ` +
            `(select count(*) from ${equal}) equal`,
        )
        .get() as { wanted: number; restored: number; equal: number };
      if (counts.restored !== counts.wanted || counts.equal !== counts.wanted) {
        throw new Error(`the restored table ${name} is not the source's: rows ${JSON.stringify(counts)}`);
      }
    }
  } finally {
    database.close();
  }
}
