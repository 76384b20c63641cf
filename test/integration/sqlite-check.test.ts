/** The check of a copy says what SQLite's own `integrity_check` says, also where it does not run it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { checkDatabase } from '../../src/engine/sources/sqlite/check-database.ts';
import { SQLITE, sqliteCode } from '../../src/engine/sources/sqlite/failures.ts';
import { unprovenTables } from '../../src/engine/sources/sqlite/indexes/compare-indexes.ts';
import { shapesOf } from '../../src/engine/sources/sqlite/indexes/shapes.ts';
import { count } from '../support/counts.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCHEMA = `
  create table plain (id integer primary key, a, b text, c real, d blob);
  create index plain_a on plain (a);
  create index plain_b on plain (b desc, a);
  create index plain_c on plain (c, id);
  create unique index plain_d on plain (d);
  create table words (word text collate nocase unique, n integer, body text, after_body text);
  create index words_word on words (word collate binary, n desc);
  create index words_after on words (after_body);
  create table keyless (a int, b int, primary key (a, b));
  create table empty_one (a unique);
  create table without (a text primary key, b) without rowid;
  create index without_b on without (b);
  create table partly (a, b);
  create index partly_a on partly (a) where b > 5;
  create index partly_low on partly (lower(b));
  create table computed (a, b generated always as (a || 'x'), c);
  create index computed_c on computed (c);
  create table trimmed (a text collate rtrim);
  create index trimmed_a on trimmed (a);
  create table later (a);
  create virtual table found using fts5 (body);
`;
/** Which of these SQLite has to look at by itself; in UTF-16 also the words, whose case it folds as UTF-8. */
const ONLY_SQLITE = [
  'computed',
  'found',
  'found_config',
  'found_idx',
  'later',
  'partly',
  'trimmed',
  'without',
];

const WHOLE = [0, 1, -1, 127, -128, 300, -40_000, 8_000_000, -(2 ** 31), 2 ** 40, 2 ** 53 - 1];
const BIG = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 60n) - 7n];

function value(random: SeededRandom): null | number | bigint | string | Uint8Array {
  const kind = random.int(8);
  if (kind === 0) return null;
  if (kind === 1) return random.pick(WHOLE) + random.int(3);
  if (kind === 2) return random.pick(BIG);
  if (kind === 3) return random.pick([0.5, -1e-300, 1e300, Number.POSITIVE_INFINITY, 2 ** 63, 7]);
  if (kind === 4) return random.bytes(random.int(20));
  const text = random.pick(['', 'a', 'Ä', 'common beginning ', '𝄞', 'Z']);
  return kind === 5 ? text.repeat(random.int(40)) : text + random.int(1000);
}

function fill(database: DatabaseSync, random: SeededRandom, rows: number): void {
  database.exec('begin');
  const insert = (table: string, ...values: ReturnType<typeof value>[]) => {
    const marks = values.map(() => '?').join(', ');
    database.prepare(`insert or ignore into ${table} values (${marks})`).run(...values);
  };
  for (let i = 0; i < rows; i += 1) {
    const id = random.int(4) === 0 ? random.pick(BIG) : BigInt(random.int(1e6) - 1000);
    insert('plain', id, value(random), String(random.int(50)), random.int(9) / 2, random.bytes(9));
    const body = 'x'.repeat(random.int(5) === 0 ? 9000 : 5);
    insert('words', `Word${random.int(rows * 4)}`, random.int(5), body, `tail ${random.int(90)}`);
    insert('keyless', random.int(500), random.int(10));
    insert('without', `k${i}`, value(random));
    insert('partly', value(random), random.int(10));
    insert('trimmed', `t${' '.repeat(random.int(3))}`);
    insert('later', i);
    database.prepare('insert into computed (a, c) values (?, ?)').run(value(random), value(random));
  }
  database.exec(`delete from plain where abs(random()) % 5 = 0;
    alter table later add column added text; alter table later add column old integer default 5;
    create index later_added on later (added); create index later_old on later (old); commit`);
}

function make(path: string, random: SeededRandom, pragmas: string, rows = 150): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(pragmas + SCHEMA);
    fill(database, random, rows);
  } finally {
    database.close();
  }
}

/** What SQLite alone says, in the words of a backup; or the error it gives instead. */
function bySqlite(path: string, pragma = 'integrity_check(10)'): string[] | Error {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare(`pragma ${pragma}`).all();
    const lines = rows.flatMap((row) => String(Object.values(row)[0]).split('\n'));
    return lines.filter((line) => line !== 'ok' && !line.startsWith('*** in database '));
  } catch (error) {
    return error as Error;
  } finally {
    database.close();
  }
}

function left(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const { tables, others } = shapesOf(database);
    return [...others, ...unprovenTables(path, tables).map(({ name }) => name)].sort();
  } finally {
    database.close();
  }
}

/** Where SQLite needs something of an application's it gives no answer for the whole, and a backup one table by table. */
function agrees(path: string, what: string): string[] {
  const expected = bySqlite(path);
  const { damage, facts } = checkDatabase(path);
  if (damage.length === 0) assert.deepEqual({ damage, facts }, checkDatabase(path, true), what);
  const isUnknown = expected instanceof Error && sqliteCode(expected) === SQLITE.error;
  if (Array.isArray(expected)) assert.deepEqual(damage, expected, what);
  else if (isUnknown) assert.ok(facts === null || facts.unchecked.length + damage.length > 0, what);
  else assert.ok(damage.length > 0, `${what}: ${expected}`);
  return [...damage];
}

describe('the check of a copy', () => {
  const settings = ['', 'pragma page_size = 512;', "pragma page_size = 65536; pragma encoding = 'utf-16le';"];
  for (const pragmas of [...settings, "pragma auto_vacuum = full; pragma encoding = 'utf-16be';"]) {
    test(`proves every ordinary index of a sound database: ${pragmas || 'as usual'}`, async (t) => {
      const path = join(await temporaryFolder(t), 'sound.db');
      make(path, seededRandom('sound database'), pragmas);
      assert.deepEqual(agrees(path, 'sound'), []);
      const folded = pragmas.includes('utf-16') ? ['words'] : [];
      assert.deepEqual(left(path), [...ONLY_SQLITE, ...folded]);
    });
  }

  test('says what SQLite says of a database with other bytes somewhere', async (t) => {
    const folder = await temporaryFolder(t);
    const random = seededRandom('damaged bytes');
    const whole = join(folder, 'whole.db');
    make(whole, random, 'pragma page_size = 1024;', 60);
    const bytes = readFileSync(whole);
    const path = join(folder, 'damaged.db');
    let damaged = 0;
    let unseenByQuick = 0;
    for (let i = 0; i < count(250, 20_000); i += 1) {
      const changed = Buffer.from(bytes);
      const at = 100 + random.int(bytes.length - 100);
      const other = random.pick([changed[at]! ^ (1 << random.int(8)), random.int(256)]);
      changed[at] = other;
      writeFileSync(path, changed);
      if (agrees(path, `byte ${at} became ${other}`).length === 0) continue;
      damaged += 1;
      const quick = bySqlite(path, 'quick_check(1)');
      if (Array.isArray(quick) && quick.length === 0) unseenByQuick += 1;
    }
    t.diagnostic(`${damaged} were damaged, of which quick_check passed ${unseenByQuick}`);
    assert.ok(unseenByQuick > 0, 'control: quick_check alone would have passed some');
  });
});

/** Changes a table, or says something else of an index, while SQLite does not know of it. */
function behindItsBack(path: string, index: string, change: string, sql: string | null): void {
  const database = new DatabaseSync(path, { defensive: false });
  try {
    database.exec('pragma writable_schema = on');
    const stored = database.prepare('select * from sqlite_schema where name = ?').get(index)!;
    database.prepare('delete from sqlite_schema where name = ?').run(index);
    database.exec('pragma schema_version = 1001');
    database.exec(change);
    const values = Object.values({ ...stored, ...(sql === null ? {} : { sql }) });
    database.prepare('insert into sqlite_schema values (?, ?, ?, ?, ?)').run(...values);
    database.exec('pragma schema_version = 1002');
  } finally {
    database.close();
  }
}

interface Stale {
  readonly what: string;
  readonly index?: string;
  readonly change?: string;
  readonly sql?: string;
  readonly says: RegExp;
  /** Counting is enough to notice it. */
  readonly counted?: true;
}

const STALE: readonly Stale[] = [
  { what: 'lacks a row', change: 'insert into t values (1000, 5, 5, 5)', says: /wrong #/, counted: true },
  { what: 'has a row too many', change: 'delete from t where id = 7', says: /wrong #/, counted: true },
  { what: 'has another value', change: 'update t set a = a + 1 where id = 9', says: /missing/ },
  { what: 'exchanges two rows', change: 'update t set a = 19 - a where a in (9, 10)', says: /missing/ },
  { what: 'names another row', change: 'update t set id = 2000 where id = 3', says: /missing/ },
  {
    ...{ what: 'has another spelling', index: 'n', says: /values differ from index n/ },
    change: 'update t set b = upper(b) where id = 4',
  },
  {
    ...{ what: 'is unique over equal rows', index: 'k', says: /non-unique entry in index k/ },
    sql: 'create unique index k on t (c)',
  },
  { what: 'runs the other way', sql: 'create index i on t (a desc)', says: /missing/ },
];

describe('an index that tells of other rows than its table', () => {
  for (const { what, index = 'i', change = '', sql = null, says, counted } of STALE) {
    test(what, async (t) => {
      const path = join(await temporaryFolder(t), 'stale.db');
      const database = new DatabaseSync(path);
      database.exec(`create table t (id integer primary key, a, b text collate nocase, c);
        with recursive some(n) as (select 1 union all select n + 1 from some where n < 400)
          insert into t select n, n, 'Name ' || n, n / 2 from some;
        create index i on t (a); create index n on t (b); create index k on t (c)`);
      database.close();
      assert.deepEqual(left(path), []);
      behindItsBack(path, index, change, sql);
      assert.deepEqual(left(path), ['t']);
      assert.match(agrees(path, what)[0]!, says);
      if (!counted) assert.deepEqual(bySqlite(path, 'quick_check'), [], 'control: nothing else notices');
    });
  }
});
