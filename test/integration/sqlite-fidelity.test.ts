/** Everything SQLite can hold comes back the same, and the original is left as it was. */
import assert from 'node:assert/strict';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { compareSqlite } from '../../src/engine/sources/sqlite/index.ts';
import { AWKWARD_ROWS, type Layout, makeAwkward } from '../support/awkward-sqlite.ts';
import { count } from '../support/counts.ts';
import { randomFrom } from '../support/seed.ts';
import { sqliteContent } from '../support/sqlite-content.ts';
import { type SqliteVault, sqliteVault } from '../support/sqlite-operations.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Scene {
  readonly vault: SqliteVault;
  /** Holds the databases and nothing else. */
  readonly source: string;
  readonly target: string;
  /** A copy of the source folder, to look into. */
  readonly twin: string;
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const source = join(folder, 'source');
  mkdirSync(source);
  return {
    vault: await sqliteVault(folder),
    source,
    target: join(folder, 'target'),
    twin: join(folder, 'twin'),
  };
}

const filesIn = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

/** Backs up databases of the source folder, restores them, and compares with what SQLite itself finds there. */
async function roundTrip({ vault, source, target, twin }: Scene, ...names: string[]): Promise<void> {
  cpSync(source, twin, { recursive: true, dereference: true });
  const before = filesIn(source);
  const id = await vault.backUp(...names.map((name) => join(source, name)));
  assert.deepEqual(filesIn(source), before, 'nothing changed or appeared beside the originals');
  await vault.restore(id, `${target}/`);
  assert.deepEqual(readdirSync(target).sort(), [...names].sort());
  for (const { name, facts } of await vault.artifacts(id)) {
    const expected = sqliteContent(join(twin, name));
    assert.deepEqual(sqliteContent(join(target, name)), expected, name);
    assert.deepEqual(compareSqlite(join(twin, name), join(target, name)), []);
    const rows = Object.entries(expected.tables).map(([table, content]) => ({
      name: table,
      rows: content.rows,
    }));
    assert.deepEqual(sorted(facts.tables), sorted(rows), name);
    assert.equal(facts.pageSize, Object.values(onlyRow(expected.pragmas.page_size))[0]);
    assert.equal(facts.pageCount, Object.values(onlyRow(expected.pragmas.page_count))[0]);
    assert.equal(facts.encoding, Object.values(onlyRow(expected.pragmas.encoding))[0]);
  }
}

const onlyRow = (rows: unknown) => (rows as object[])[0]!;
const sorted = (rows: unknown) =>
  [...(rows as { name: string; rows: number }[])].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Each page size and each pair of encoding and auto-vacuum. */
const LAYOUTS: readonly Required<Layout>[] = [
  { pageSize: 512, encoding: 'UTF-8', autoVacuum: 1, journalMode: 'delete' },
  { pageSize: 1024, encoding: 'UTF-16le', autoVacuum: 2, journalMode: 'wal' },
  { pageSize: 2048, encoding: 'UTF-16be', autoVacuum: 0, journalMode: 'delete' },
  { pageSize: 4096, encoding: 'UTF-8', autoVacuum: 2, journalMode: 'wal' },
  { pageSize: 4096, encoding: 'UTF-16le', autoVacuum: 1, journalMode: 'delete' },
  { pageSize: 8192, encoding: 'UTF-16be', autoVacuum: 1, journalMode: 'wal' },
  { pageSize: 16_384, encoding: 'UTF-16le', autoVacuum: 0, journalMode: 'delete' },
  { pageSize: 32_768, encoding: 'UTF-16be', autoVacuum: 2, journalMode: 'wal' },
  { pageSize: 65_536, encoding: 'UTF-8', autoVacuum: 0, journalMode: 'delete' },
];

function everyLayout(): Required<Layout>[] {
  const every = <K extends keyof Layout>(key: K) => [...new Set(LAYOUTS.map((layout) => layout[key]))];
  return every('pageSize').flatMap((pageSize) =>
    every('encoding').flatMap((encoding) =>
      every('autoVacuum').flatMap((autoVacuum) =>
        every('journalMode').map((journalMode) => ({ pageSize, encoding, autoVacuum, journalMode })),
      ),
    ),
  );
}

function execute(path: string, sql: string): void {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(sql);
  database.close();
}

describe('a database comes back the same', () => {
  test('with every page size, encoding, auto-vacuum and journal mode', async (t) => {
    const scene = await sceneOf(t);
    const layouts = count(1, 0) === 1 ? LAYOUTS : everyLayout();
    assert.equal(layouts.length, count(9, 8 * 3 * 3 * 2));
    const names = layouts.map((layout) => {
      const name = `${Object.values(layout).join('-')}.db`;
      makeAwkward(join(scene.source, name), layout);
      return name;
    });
    await roundTrip(scene, ...names);
    for (const [i, name] of names.entries()) {
      const { tables, pragmas } = sqliteContent(join(scene.target, name));
      const rows = Object.keys(AWKWARD_ROWS).map((table) => [table, tables[table]?.rows]);
      assert.deepEqual(Object.fromEntries(rows), AWKWARD_ROWS);
      const { pageSize, encoding, autoVacuum, journalMode } = layouts[i]!;
      const found = ['page_size', 'encoding', 'auto_vacuum', 'journal_mode'].map((pragma) => {
        return Object.values(onlyRow(pragmas[pragma]))[0];
      });
      assert.deepEqual(found, [pageSize, encoding, autoVacuum, journalMode]);
    }
  });

  test('with names that are no plain paths, and when its path is a symbolic link', async (t) => {
    const scene = await sceneOf(t);
    const names = [
      'a b?mode=memory&x#y%20%zz.db',
      'quote\'"\\.db',
      'Grüße 🌱\n.db',
      '-wal',
      ':memory:',
      'file:x.db',
      'x'.repeat(240),
    ];
    for (const [i, name] of names.entries()) {
      execute(
        join(scene.source, name),
        `pragma journal_mode = wal; create table t (a); insert into t values (${i})`,
      );
    }
    const elsewhere = join(scene.source, '..', 'elsewhere');
    mkdirSync(elsewhere);
    makeAwkward(join(elsewhere, 'real.db'), { journalMode: 'wal' });
    symlinkSync('../elsewhere/real.db', join(scene.source, 'link.db'));
    await roundTrip(scene, ...names, 'link.db');
    assert.deepEqual(readdirSync(elsewhere), ['real.db']);
    assert.ok(lstatSync(join(scene.target, 'link.db')).isFile());
  });

  test('when it is empty: no bytes at all, or no tables', async (t) => {
    const scene = await sceneOf(t);
    execute(join(scene.source, 'bare.db'), 'pragma user_version = 5');
    execute(join(scene.source, 'dropped.db'), 'create table t (a); drop table t');
    await roundTrip(scene, 'bare.db', 'dropped.db');
    writeFileSync(join(scene.source, 'nothing.db'), '');
    const id = await scene.vault.backUp(join(scene.source, 'nothing.db'));
    await scene.vault.restore(id, `${scene.target}/`);
    const bare = sqliteContent(join(scene.source, 'bare.db'));
    const empty = sqliteContent(join(scene.target, 'nothing.db'));
    assert.deepEqual(
      [empty.schema, onlyRow(empty.pragmas.integrity_check)],
      [[], onlyRow(bare.pragmas.integrity_check)],
    );
    assert.deepEqual((await scene.vault.artifacts(id))[0]!.facts.tables, []);
    assert.equal(readFileSync(join(scene.source, 'nothing.db')).length, 0);
  });

  test('with blobs of many megabytes', async (t) => {
    const scene = await sceneOf(t);
    const database = new DatabaseSync(join(scene.source, 'blobs.db'));
    database.exec('create table blob (content, id integer primary key)');
    const insert = database.prepare('insert into blob (content) values (?)');
    const noise = randomFrom(12).bytes(70_001);
    for (const sizeBytes of [9_000_001, 4_194_304, 1]) insert.run(Buffer.alloc(sizeBytes, noise));
    database.close();
    await roundTrip(scene, 'blobs.db');
  });

  test('with bytes reserved in every page, and in the oldest schema format', async (t) => {
    const scene = await sceneOf(t);
    const path = join(scene.source, 'reserved.db');
    execute(path, 'pragma page_size = 1024; create table t (a); drop table t; vacuum');
    const page = readFileSync(path);
    assert.equal(page.length, 1024);
    page[20] = 32;
    page.writeUInt16BE(1024 - 32, 105);
    page.writeUInt32BE(1, 44);
    writeFileSync(path, page);
    execute(path, "create table t (a); insert into t values (true), (0), (zeroblob(5000)), ('x')");
    assert.equal(readFileSync(path)[20], 32);
    await roundTrip(scene, 'reserved.db');
    assert.deepEqual([...readFileSync(join(scene.target, 'reserved.db')).subarray(20, 21)], [32]);
  });
});

describe('what is odd in a database is kept', () => {
  test('rows that violate foreign keys, and what only its application can check: both are said', async (t) => {
    const scene = await sceneOf(t);
    const path = join(scene.source, 'odd.db');
    const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    database.function('mine', { deterministic: true }, (value) => Number(value) * 2);
    database.exec(`create table parent (id integer primary key);
      create table child (parent references parent); insert into child values (1), (2), (null);
      create table indexed (a); create index by_mine on indexed (mine(a)); insert into indexed values (1), (2);`);
    database.close();
    const id = await scene.vault.backUp(path);
    await scene.vault.restore(id, `${scene.target}/`);
    const [artifact] = await scene.vault.artifacts(id);
    const { foreignKeyViolations, unchecked, tables } = artifact!.facts;
    assert.deepEqual(
      { foreignKeyViolations, unchecked, tables },
      {
        foreignKeyViolations: 2,
        unchecked: ['indexed'],
        tables: [
          { name: 'child', rows: 3 },
          { name: 'indexed', rows: 2 },
          { name: 'parent', rows: 0 },
        ],
      },
    );
    assert.match(scene.vault.warnings.join('\n'), /odd\.db has 2 rows that violate a foreign key/);
    assert.match(
      scene.vault.warnings.join('\n'),
      /odd\.db has tables that only its application can check: indexed/,
    );
    assert.deepEqual(compareSqlite(path, join(scene.target, 'odd.db')), []);
  });
});

describe('a database that was not closed comes back as SQLite would recover it', () => {
  /** Copies a database with what lies beside it while a connection still has it open. */
  function abandon(scene: Scene, make: (path: string) => void, sql: string): void {
    const folder = join(scene.source, '..', 'open');
    mkdirSync(folder);
    make(join(folder, 'app.db'));
    const database = new DatabaseSync(join(folder, 'app.db'));
    database.exec(sql);
    cpSync(folder, scene.source, { recursive: true });
    database.close();
  }

  test('with transactions that are in its WAL alone, and a torn one after them', async (t) => {
    const scene = await sceneOf(t);
    const make = (path: string) => execute(path, 'pragma journal_mode = wal');
    abandon(
      scene,
      make,
      `pragma wal_autocheckpoint = 0; create table t (a, b); insert into t values (1, zeroblob(9000));
      insert into t values (2, 'in the WAL'); pragma cache_size = 1;
      begin; insert into t select a + 2, zeroblob(90000) from t; delete from t where a = 1;`,
    );
    const main = readFileSync(join(scene.source, 'app.db'));
    assert.ok(main.length < 9000, 'the control: the main file alone lacks it');
    cpSync(scene.source, scene.twin, { recursive: true });
    await scene.vault.restore(await scene.vault.backUp(join(scene.source, 'app.db')), `${scene.target}/`);
    const restored = sqliteContent(join(scene.target, 'app.db'));
    assert.deepEqual(restored, sqliteContent(join(scene.twin, 'app.db')));
    assert.equal(restored.tables.t?.rows, 2);
    assert.deepEqual(readFileSync(join(scene.source, 'app.db')), main, 'no checkpoint was made');
  });

  test('with a journal that has to be played back first', async (t) => {
    const scene = await sceneOf(t);
    const expected = join(scene.source, '..', 'expected.db');
    makeAwkward(expected);
    const sql = 'pragma cache_size = 1; begin; update big set content = zeroblob(200000); delete from event';
    abandon(scene, makeAwkward, sql);
    assert.deepEqual(readdirSync(scene.source), ['app.db', 'app.db-journal']);
    assert.notDeepEqual(
      compareSqliteAlone(join(scene.source, 'app.db'), expected),
      [],
      'the control: it is half done',
    );
    await scene.vault.restore(await scene.vault.backUp(join(scene.source, 'app.db')), `${scene.target}/`);
    assert.deepEqual(sqliteContent(join(scene.target, 'app.db')), sqliteContent(expected));
    assert.deepEqual(sqliteContent(join(scene.source, 'app.db')), sqliteContent(expected));
  });

  /** Without the journal. */
  function compareSqliteAlone(path: string, expected: string): string[] {
    const alone = `${expected}.alone`;
    cpSync(path, alone);
    try {
      return compareSqlite(alone, expected);
    } catch (error) {
      return [String(error)];
    }
  }
});

test('what is restored works: triggers, deferred foreign keys, searches, checks', async (t) => {
  const { vault, source, target } = await sceneOf(t);
  makeAwkward(join(source, 'app.db'), { encoding: 'UTF-16le', journalMode: 'wal' });
  await vault.restore(await vault.backUp(join(source, 'app.db')), target, 'app.db');
  const database = new DatabaseSync(target);
  t.after(() => database.close());
  const value = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
  const search = (text: string) =>
    value(`select count(*) from article_index where article_index match '${text}'`);
  assert.equal(search('haus*'), 40);
  database.exec("insert into article (title) values ('a haus more')");
  assert.equal(search('haus*'), 41);
  database.exec("insert into article_index (article_index) values ('integrity-check')");
  assert.equal(
    value("select group_concat(rowid) from contentless where contentless match 'nine OR eight'"),
    '9',
  );
  assert.equal(value("select count(*) from own where own match '日本'"), 1);
  assert.equal(value('select label from box where x0 <= 3 and x1 >= 3.5 and y0 = -3'), 'box 3');
  database.exec("insert into kinds values ('new', 1000); update note set text = 'again' where id = 9");
  assert.equal(value('select body from event where at = 1000'), 'from a view');
  assert.equal(value('select text from note_old where note = 9'), 'note 9');
  assert.throws(() => database.exec('delete from note'), /notes stay/);
  database.exec('begin; insert into node values (4, 5)');
  assert.throws(() => database.exec('commit'), /FOREIGN KEY/);
  database.exec('insert into node values (5, 4); commit');
  assert.throws(() => database.exec("insert into exact (i) values ('text')"), /cannot store TEXT/);
  assert.throws(() => database.exec('insert into empty values (2, 1)'), /CHECK/);
  assert.equal(value('insert into counted default values returning cast(id as text)'), '4000000000000000002');
  assert.equal(value('insert into price (net, rate) values (50, 7) returning gross'), 5350);
});

describe('control: the comparison notices', () => {
  const changes: readonly (readonly [what: string, sql: string])[] = [
    ['one value', 'update wide set c1200 = 1 where c0 = 2'],
    ['the type of a value', "update value set v = x'74657874' where v = 'text'"],
    ['what follows a NUL', "update value set v = 'nul' || char(0) || 'other' where v like 'nul%'"],
    [
      'bytes that are no text',
      "update value set v = cast(x'fffd80' as text) where v = cast(x'fffe80' as text)",
    ],
    ['an index', 'drop index event_partial'],
    ['an empty table', 'drop table empty'],
    ['a rowid', 'update event set rowid = 5000 where rowid = 200'],
    ['a row of a virtual table', 'delete from grid'],
    ['a pragma', 'pragma user_version = 8'],
    ['the journal mode', 'pragma journal_mode = wal'],
  ];
  test('each of these', async (t) => {
    const folder = await temporaryFolder(t);
    const [original, changed] = [join(folder, 'original.db'), join(folder, 'changed.db')];
    makeAwkward(original);
    const expected = sqliteContent(original);
    for (const [what, sql] of changes) {
      cpSync(original, changed);
      assert.deepEqual(sqliteContent(changed), expected);
      execute(changed, sql);
      assert.notDeepEqual(sqliteContent(changed), expected, what);
      assert.notDeepEqual(compareSqlite(original, changed), [], what);
    }
  });
});
