/** SQLite databases that hold everything SQLite can. */
import { DatabaseSync } from 'node:sqlite';
import { randomFrom } from './seed.ts';

export interface Layout {
  readonly pageSize?: number;
  readonly encoding?: 'UTF-8' | 'UTF-16le' | 'UTF-16be';
  /** 0 none, 1 full, 2 incremental. */
  readonly autoVacuum?: 0 | 1 | 2;
  readonly journalMode?: 'delete' | 'wal';
}

/** Tables of `makeAwkward` with rows of their own, and how many. Shadow tables of virtual ones come on top. */
export const AWKWARD_ROWS: { readonly [table: string]: number } = {
  '': 1,
  'Grüße 🌱': 2,
  'a"b': 1,
  'account entry': 2,
  aliases: 2,
  article: 40,
  article_index: 40,
  big: 3,
  box: 30,
  contentless: 2,
  counted: 3,
  empty: 0,
  event: 200,
  exact: 2,
  freed: 20,
  node: 3,
  note: 10,
  note_old: 2,
  pair: 60,
  price: 25,
  select: 1,
  sqlite_sequence: 1,
  "we'ird; drop table note --": 1,
  value: 20,
  wide: 2,
};

export const WIDE_COLUMNS = 1990;

/** A few hundred kilobytes. Equal layouts give equal content. */
export function makeAwkward(path: string, layout: Layout = {}): void {
  const { pageSize = 4096, encoding = 'UTF-8', autoVacuum = 0, journalMode = 'delete' } = layout;
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true });
  try {
    database.exec(`pragma page_size = ${pageSize}; pragma encoding = '${encoding}';
      pragma auto_vacuum = ${autoVacuum}; pragma journal_mode = ${journalMode}; pragma synchronous = off;
      pragma user_version = -7; pragma application_id = 1213156420; begin`);
    for (const fill of [values, tables, names, relations, searches, blobs, freedPages]) fill(database);
    database.exec('commit; analyze;');
  } finally {
    database.close();
  }
}

function values(database: DatabaseSync): void {
  database.exec(`create table value (v);
    insert into value values (null), (0), (-1), (9223372036854775807), (-9223372036854775808), (0.0), (-0.0),
      (9e999), (-9e999), (4.9e-324), (1.7976931348623157e308), (0.1), (''), (x''), ('text'), (x'00ff00'),
      ('nul' || char(0) || 'inside'), (cast(x'fffe80' as text)), (char(0x1f331, 0x10ffff, 0xfeff, 0xe000)), ('1');
    create table exact (i int, r real, t text, b blob, a any) strict;
    insert into exact values (1, 2, '3', x'04', '5'), (null, null, null, null, 5);`);
}

function tables(database: DatabaseSync): void {
  database.exec(`create table pair (a text collate nocase, b integer, c, primary key (b desc, a)) without rowid;
    create table price (net real not null, rate integer default (19), gross as (net * (100 + rate)) stored,
      label text generated always as (net || ' ' || rate) virtual unique);
    create table counted (id integer primary key autoincrement, rowid_note);
    insert into counted (id) values (1), (-5), (4000000000000000000); delete from counted where id = 1;
    insert into counted (rowid_note) values ('last');
    create table aliases (rowid text, oid text, _rowid_ text);
    insert into aliases values ('a', 'b', 'c'), (null, null, null);
    create table empty (a integer primary key, b unique, check (b > a));
    create table event (at integer, kind text, body text);
    create index event_expression on event (lower(kind), at desc);
    create index event_partial on event (at) where kind = 'rare' and body is not null;
    create unique index event_collated on event (kind collate nocase, at);
    create view kinds (kind, n) as select kind, count(*) from event group by 1;
    create view quoted as select "not a column" as text from event;
    create trigger kinds_insert instead of insert on kinds begin
      insert into event values (new.n, new.kind, 'from a view'); end;`);
  const pair = database.prepare('insert into pair values (?, ?, ?)');
  for (let i = 0; i < 60; i += 1) pair.run(`Key ${i % 7}`, i, i % 3 === 0 ? null : 'c'.repeat(i * 9));
  const price = database.prepare('insert into price (net, rate) values (?, ?)');
  for (let i = 0; i < 25; i += 1) price.run(i / 4, i);
  const event = database.prepare('insert into event values (?, ?, ?)');
  for (let i = 0; i < 200; i += 1) event.run(i, i % 50 === 0 ? 'rare' : 'Common ß', `body ${i}`);
  const columns = Array.from({ length: WIDE_COLUMNS }, (_, i) => `c${i}`);
  database.exec(`create table wide (${columns.join(', ')});
    insert into wide (c0, c${WIDE_COLUMNS - 1}) values (1, 'last'), (2, null);`);
}

function names(database: DatabaseSync): void {
  database.exec(`create table "a""b" ("c""d", "", "select", [x y] text default 'it''s'); insert into "a""b" ("") values (1);
    create table "" ("" primary key); insert into "" values ('');
    create table "select" ("from"); insert into "select" values (1);
    create table "Grüße 🌱" ("Ü" text, "名前"); insert into "Grüße 🌱" values ('ä', '日本'), ('Ä', x'c3');
    create index "Index ""über"" 🌱" on "Grüße 🌱" ("名前", "Ü");
    create table "we'ird; drop table note --" (x); insert into "we'ird; drop table note --" values (1);`);
}

function relations(database: DatabaseSync): void {
  database.exec(`create table node (id integer primary key, next integer not null
      references node deferrable initially deferred);
    insert into node values (1, 2), (2, 3), (3, 1);
    create table "account entry" (id integer primary key, node integer references node on delete set null on update cascade,
      parent integer references "account entry" on delete cascade);
    insert into "account entry" values (1, 2, null), (2, null, 1);
    create table note (id integer primary key, text text);
    create table note_old (note, text, at default 0);
    create trigger note_update after update of text on note when old.text is not new.text begin
      insert into note_old (note, text) values (old.id, old.text); end;
    create trigger note_delete before delete on note begin
      select raise(abort, 'notes stay'); end;`);
  for (let i = 1; i <= 10; i += 1) database.prepare('insert into note values (?, ?)').run(i, `note ${i}`);
  database.exec("update note set text = 'changed' where id in (3, 4)");
}

function searches(database: DatabaseSync): void {
  database.exec(`create table article (id integer primary key, title text, body text);
    create virtual table article_index using fts5 (title, body, content = 'article', content_rowid = 'id',
      tokenize = 'porter unicode61 remove_diacritics 2');
    create trigger article_insert after insert on article begin
      insert into article_index (rowid, title, body) values (new.id, new.title, new.body); end;
    create trigger article_delete after delete on article begin
      insert into article_index (article_index, rowid, title, body)
        values ('delete', old.id, old.title, old.body); end;
    create virtual table own using fts5 (text, extra unindexed, prefix = '2 3');
    insert into own values ('the quick brown fox', 1), ('größer als 日本 🌱', 2), ('', null);
    create virtual table contentless using fts5 (text, content = '', contentless_delete = 1);
    insert into contentless (rowid, text) values (7, 'seven'), (8, 'eight'), (9, 'nine');
    delete from contentless where rowid = 8;
    create virtual table older using fts4 (text, tokenize = porter); insert into older values ('running'), ('ran');
    create virtual table box using rtree (id, x0, x1, y0, y1, +label text);
    create virtual table grid using rtree_i32 (id, x0, x1); insert into grid values (-1, -5, 5);`);
  const article = database.prepare('insert into article (title, body) values (?, ?)');
  for (let i = 0; i < 41; i += 1) article.run(`Title ${i}`, `Häuser running number${i} `.repeat(1 + (i % 5)));
  database.exec('delete from article where id = 20');
  const box = database.prepare('insert into box values (?, ?, ?, ?, ?, ?)');
  for (let i = 0; i < 30; i += 1) box.run(i, i, i + 1.5, -i, i / 3, `box ${i}`);
}

function blobs(database: DatabaseSync): void {
  database.exec('create table big (name text, content blob)');
  const insert = database.prepare('insert into big values (?, ?)');
  insert.run('noise', randomFrom(29).bytes(140_001));
  database.exec("insert into big values ('zeros', zeroblob(70000)), ('empty', x'')");
}

/** Leaves pages free, to be kept or given back as the database is told to. */
function freedPages(database: DatabaseSync): void {
  database.exec(`create table freed (id integer primary key, text);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 120)
      insert into freed select i, hex(zeroblob(800)) from n;
    delete from freed where id > 10 and id <= 110;`);
}
