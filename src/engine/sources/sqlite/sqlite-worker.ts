/** The thread in which SQLite works: it copies a live database, or checks a copy. */
import { backup, DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorCode } from '../../base/errors.ts';
import { quoteName } from './quote-name.ts';
import type { Answer, CopyFacts, LiveFacts, Task } from './sqlite-task.ts';

const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CANTOPEN = 14;
const AUTH = 23;
const NOTADB = 26;
const CORRUPT = 11;
/** More pages than any database has: everything in one step, since a stepwise copy starts over at every foreign write. */
const ALL_PAGES = 2 ** 31 - 1;
const DAMAGE_NAMED = 10;

const primaryCode = (error: unknown) => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

function codeFor(error: unknown): ErrorCode {
  const code = primaryCode(error);
  if (code === BUSY || code === LOCKED) return 'source_busy';
  if (code === NOTADB || code === CORRUPT) return 'source_damaged';
  if (code === CANTOPEN || code === READONLY || code === AUTH) return 'source_denied';
  return 'source_failed';
}

/** A hot journal, or a WAL whose index is missing, cannot be read without recovery, which must write. */
function openLive(path: string, timeout: number): DatabaseSync {
  const begin = (readOnly: boolean) => {
    const database = new DatabaseSync(path, { readOnly, timeout, enableForeignKeyConstraints: false });
    try {
      database.exec('begin');
      database.prepare('select count(*) from sqlite_schema').get();
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  };
  try {
    return begin(true);
  } catch (error) {
    const code = primaryCode(error);
    if (code !== READONLY && code !== CANTOPEN) throw error;
    return begin(false);
  }
}

const value = (database: DatabaseSync, pragma: string) =>
  Object.values(database.prepare(`pragma ${pragma}`).get() ?? {})[0];

/** The read transaction pins one moment; in rollback-journal mode it holds writers off until the copy is done. */
async function copy(task: Extract<Task, { kind: 'copy' }>): Promise<LiveFacts> {
  const database = openLive(task.path, task.busyTimeoutMs);
  try {
    await backup(database, task.copy, { rate: ALL_PAGES });
    const version = database.prepare('select sqlite_version() as version').get()!.version;
    database.exec('rollback');
    return { sqliteVersion: String(version), journalMode: String(value(database, 'journal_mode')) };
  } finally {
    database.close();
  }
}

function check(path: string): CopyFacts {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const results = database.prepare(`pragma integrity_check(${DAMAGE_NAMED})`).all();
    const damage = results.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok');
    const violations =
      damage.length > 0 ? 0 : countRows(database.prepare('pragma foreign_key_check').iterate());
    return {
      pageSize: Number(value(database, 'page_size')),
      pageCount: Number(value(database, 'page_count')),
      encoding: String(value(database, 'encoding')),
      userVersion: Number(value(database, 'user_version')),
      applicationId: Number(value(database, 'application_id')),
      autoVacuum: Number(value(database, 'auto_vacuum')),
      tables: damage.length > 0 ? [] : tablesOf(database),
      damage,
      foreignKeyViolations: violations,
    };
  } finally {
    database.close();
  }
}

function countRows(rows: Iterable<unknown>): number {
  let count = 0;
  for (const _ of rows) count += 1;
  return count;
}

/** Every table with rows of its own; one whose module this SQLite lacks is left out. */
function tablesOf(database: DatabaseSync): { name: string; rows: number }[] {
  const named = database.prepare("select name from sqlite_schema where type = 'table' order by name").all();
  const tables: { name: string; rows: number }[] = [];
  for (const { name } of named) {
    const table = String(name);
    try {
      const row = database.prepare(`select count(*) as rows from ${quoteName(table)}`).get()!;
      tables.push({ name: table, rows: Number(row.rows) });
    } catch (error) {
      if (primaryCode(error) !== 1) throw error;
    }
  }
  return tables;
}

/** Fails while anybody else has the database open for use. */
function probe(path: string): null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('pragma locking_mode = exclusive; begin exclusive; rollback');
    return null;
  } finally {
    database.close();
  }
}

async function run(task: Task): Promise<unknown> {
  if (task.kind === 'copy') return copy(task);
  return task.kind === 'check' ? check(task.path) : probe(task.path);
}

const task = workerData as Task;
const answer: Answer = await run(task).then(
  (result): Answer => ({ kind: 'done', value: result }),
  (error: unknown): Answer => ({
    kind: 'failed',
    code: codeFor(error),
    message: `${task.path}: ${(error as Error).message}`,
  }),
);
parentPort!.postMessage(answer);
