import { realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../base/errors.ts';
import type { Source } from '../port.ts';
import type { RetainedTable, RetentionPace, RetentionRule } from '../retained-table.ts';
import { AGE_DAY_MS } from '../retained-table.ts';
import { openExisting, openImmutable } from './open-live.ts';
import { quoteName } from './quote-name.ts';
import { insertRows, removeRows } from './retained-rows.ts';
import { describeTable, type TableShape } from './retained-shape.ts';
import { type Turns, takeTurns } from './retained-turns.ts';
import { sqliteSource } from './sqlite-source.ts';

export interface RetainedSqliteOptions {
  readonly path: string;
  /** The artifact's source. */
  readonly name: string;
  readonly rule: RetentionRule;
  readonly pace: RetentionPace;
  readonly nowMs: number;
  /** A private folder. */
  readonly scratchFolder: string;
  readonly signal: AbortSignal;
}

/** Rows looked at in one step: a read lock keeps writers of a database without WAL waiting. */
const STEP_ROWS = 5_000;

/**
 * A table of a live SQLite database. Throws `source_missing`, `source_denied`, `source_busy`, `item_unknown` for a table or column that
 * is not there, `config_invalid` for a table that cannot be thinned: a view, one without row ids, or one that others refer to.
 */
export async function openRetainedSqlite(options: RetainedSqliteOptions): Promise<RetainedTable> {
  const { path, rule, pace, signal } = options;
  const turns = takeTurns({ path, pace, signal });
  const database = await turns.run(() => openExisting(realpathSync(path), 0));
  try {
    const shape = await turns.run(() => describeTable(database, path, rule));
    await turns.run(() => waitLess(database));
    const cut = await cutOf(database, shape, options, turns);
    const live: Live = { database, shape, cut, turns, options, exportedTo: FIRST };
    return {
      limits: cut.words,
      count: () => countRows(live),
      exportRows: (limit, folder) => exportRows(live, limit, folder),
      archivedRows: async (file) => rowsIn(file, shape),
      removeArchived: (file, onRows) => removeRows(database, shape, file, turns, onRows),
      insertArchived: (file, onRows) => insertRows(database, shape, file, turns, onRows),
      async close() {
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * With a WAL, a batch need not hold its lock until the disk has it: rows whose deletion a power failure undoes are in an archive.
 * Without one the database could break.
 */
function waitLess(database: DatabaseSync): void {
  const { journal_mode: mode } = database.prepare('pragma journal_mode').get() as { journal_mode: string };
  if (mode === 'wal') database.exec('pragma synchronous = normal');
}

interface Cut {
  /** An SQL condition on the columns; null when no row can go. */
  readonly condition: string | null;
  readonly words: readonly string[];
}

interface Live {
  readonly database: DatabaseSync;
  readonly shape: TableShape;
  readonly cut: Cut;
  readonly turns: Turns;
  readonly options: RetainedSqliteOptions;
  /** Row id where the last export ended. */
  exportedTo: bigint;
}

const FIRST = -9_223_372_036_854_775_808n;

/** A number that grows with age's reverse, or NULL for what is no such value: a row of unknown age never goes. */
function orderOf({ column, unit }: RetentionRule): string {
  const name = quoteName(column);
  // A plain number would be read as a Julian day, and so as long ago.
  if (unit === 'time') {
    return `case when typeof(${name}) = 'text' and ${name} glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' then julianday(${name}) end`;
  }
  return `case when typeof(${name}) in ('integer', 'real') then ${name} end`;
}

const JULIAN_EPOCH = 2_440_587.5;

function ageLimit({ unit, maxAgeDays }: RetentionRule, nowMs: number) {
  if (maxAgeDays === null) return null;
  const beforeMs = nowMs - maxAgeDays * AGE_DAY_MS;
  const value =
    unit === 'time' ? JULIAN_EPOCH + beforeMs / AGE_DAY_MS : unit === 'seconds' ? beforeMs / 1000 : beforeMs;
  return { value, text: new Date(beforeMs).toISOString() };
}

async function cutOf(
  database: DatabaseSync,
  shape: TableShape,
  { rule, nowMs, scratchFolder }: RetainedSqliteOptions,
  turns: Turns,
): Promise<Cut> {
  const order = orderOf(rule);
  const conditions: string[] = [];
  const words: string[] = [];
  const age = ageLimit(rule, nowMs);
  if (age) {
    conditions.push(`${order} < ${age.value}`);
    words.push(`${rule.column} before ${age.text}`);
  }
  if (rule.maxRows !== null) {
    const bound = await boundOf(database, shape, order, rule.maxRows, scratchFolder, turns);
    if (bound !== null) {
      conditions.push(`${order} < ${bound}`);
      words.push(`all but the newest ${rule.maxRows} rows by ${rule.column}`);
    }
  }
  return {
    condition: conditions.length === 0 ? null : conditions.map((one) => `(${one})`).join(' or '),
    words,
  };
}

/** The value of the oldest row that stays; null when there are no more than that many. Values are sorted in a file of their own. */
async function boundOf(
  database: DatabaseSync,
  shape: TableShape,
  order: string,
  maxRows: number,
  scratchFolder: string,
  turns: Turns,
): Promise<number | bigint | null> {
  attach(database, join(scratchFolder, 'values.sqlite'));
  try {
    database.exec('create table archive.sorted (v)');
    await eachStep(database, shape, turns, (from, to) => {
      const { table, rowId } = shape;
      database.exec(`insert into archive.sorted select v from
        (select ${order} as v from main.${table} where ${rowId} > ${from} and ${rowId} <= ${to}) where v is not null`);
    });
    const find = database.prepare('select v from archive.sorted order by v desc limit 1 offset ?');
    find.setReadBigInts(true);
    const row = find.get(maxRows - 1) as { v: number | bigint } | undefined;
    return row ? row.v : null;
  } finally {
    database.exec('detach archive');
  }
}

async function countRows({ database, shape, cut, turns }: Live) {
  let rows = 0;
  let going = 0;
  const { table, rowId } = shape;
  await eachStep(database, shape, turns, (from, to) => {
    const sql = `select count(*) as n, coalesce(sum(${cut.condition ?? 'false'}), 0) as going
      from main.${table} where ${rowId} > ${from} and ${rowId} <= ${to}`;
    const found = database.prepare(sql).get() as { n: number; going: number };
    rows += found.n;
    going += found.going;
  });
  return { rows, going };
}

/**
 * Goes over the row ids of the table behind `after`, some at a time, up to those that are there when it begins: a writer could keep it
 * going for ever. `work` gives false to end early.
 */
async function eachStep(
  database: DatabaseSync,
  { table, rowId }: TableShape,
  turns: Turns,
  work: (from: bigint, to: bigint) => unknown,
  after = FIRST,
): Promise<void> {
  const newest = database.prepare(`select max(${rowId}) as last from main.${table}`);
  const next = database.prepare(`select max(r) as last from
    (select ${rowId} as r from main.${table} where ${rowId} > ? and ${rowId} <= ? order by ${rowId} limit ${STEP_ROWS})`);
  for (const one of [newest, next]) one.setReadBigInts(true);
  const end = await turns.run(() => newest.get() as { last: bigint | null });
  let from = after;
  for (;;) {
    const { last } = await turns.run(() => next.get(from, end.last) as { last: bigint | null });
    if (last === null) return;
    const since = from;
    if ((await turns.run(() => work(since, last))) === false) return;
    from = last;
    await turns.between();
  }
}

function attach(database: DatabaseSync, file: string): void {
  database.prepare('attach ? as archive').run(file);
  // It is thrown away with its folder; what counts is the copy at the destination.
  database.exec('pragma archive.journal_mode = off; pragma archive.synchronous = off');
}

/**
 * The rows are copied by SQLite itself, so that every value stays what it is, into a database that holds them alone. The next export
 * goes on where this one ended; rows that came to lie before that are found when nothing else is left.
 */
async function exportRows(live: Live, limit: number, folder: string): Promise<Source | null> {
  const { cut, options } = live;
  if (cut.condition === null) return null;
  const isAll = live.exportedTo === FIRST;
  const file = join(folder, 'rows.sqlite');
  let rows = await copyRows(live, cut.condition, limit, file);
  if (rows === 0 && !isAll) {
    live.exportedTo = FIRST;
    await rm(file);
    rows = await copyRows(live, cut.condition, limit, file);
  }
  return rows === 0 ? null : archiveSource(file, rows, options);
}

async function copyRows(live: Live, condition: string, limit: number, file: string): Promise<number> {
  const { database, shape, turns } = live;
  const { table, rowId, columns, archiveDefinition, archiveColumns, hasKeyColumn } = shape;
  const chosen = hasKeyColumn ? columns : [rowId, ...columns];
  let rows = 0;
  attach(database, file);
  try {
    database.exec(archiveDefinition);
    const copy = database.prepare(
      `insert into archive.${table} (${archiveColumns}) select ${chosen.join(', ')}
       from main.${table} where ${rowId} > ? and ${rowId} <= ? and (${condition}) order by ${rowId} limit ?`,
    );
    const step = (from: bigint, to: bigint) => {
      rows += Number(copy.run(from, to, limit - rows).changes);
      // Of a step that the limit cut off, the rest comes next time.
      if (rows >= limit) return false;
      live.exportedTo = to;
    };
    await eachStep(database, shape, turns, step, live.exportedTo);
  } finally {
    database.exec('detach archive');
  }
  return rows;
}

/** The same checks as for any SQLite database, under the name of the table. */
function archiveSource(file: string, rows: number, { name, rule }: RetainedSqliteOptions): Source {
  const source = sqliteSource({ name, path: file });
  return {
    ...source,
    async open(context) {
      const session = await source.open(context);
      const artifacts = session.artifacts.map((artifact) => {
        if (artifact.form !== 'stream') return artifact;
        const { produce } = artifact;
        return {
          ...artifact,
          name: `${encodeURIComponent(rule.table)}.sqlite`,
          produce: async (sink: Parameters<typeof produce>[0]) => ({
            ...(await produce(sink, null)),
            archive: { table: rule.table, column: rule.column, rows },
          }),
        };
      });
      return { ...session, artifacts };
    },
  };
}

function rowsIn(file: string, { table }: TableShape): number {
  const archive = openImmutable(file);
  try {
    const [check] = archive.prepare('pragma integrity_check').all() as { integrity_check: string }[];
    if (check?.integrity_check !== 'ok') throw new HoldfastError('object_damaged', 'the archive is damaged');
    return (archive.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n;
  } finally {
    archive.close();
  }
}
