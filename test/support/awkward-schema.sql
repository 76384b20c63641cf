-- A schema with every feature a dump is known to stumble over. Loaded by the superuser into an empty database.
-- Roles are made by the test: "awkward owner", reader.
create extension hstore;
create extension citext;
create extension pg_trgm;
create schema "Schäma.with ""quotes""";
create schema aux;
comment on schema aux is E'a comment with ''quotes'' and a\nnewline; select 1;';

-- Types
create type mood as enum ('sad', 'it''s ok', 'glad; drop table x', 'naïve');
create domain positive as integer check (value > 0);
create domain short_text as text default 'none' not null constraint short check (length(value) < 20);
create type pair as (a integer, b text);
create type span as range (subtype = numeric);

-- Every kind of column
create table kinds (
  id bigint generated always as identity (start with 100 increment by 5) primary key,
  label short_text,
  amount numeric(30, 10),
  ratio double precision,
  small real,
  feeling mood,
  count positive,
  composite pair,
  period tstzrange,
  custom span,
  days daterange[],
  words text[],
  grid integer[][],
  document jsonb,
  plain json,
  raw bytea,
  tags hstore,
  email citext,
  address inet,
  net cidr,
  code uuid,
  bits bit varying(12),
  xml xml,
  search tsvector,
  spot point,
  span interval,
  day date,
  moment timestamptz,
  money money,
  doubled numeric generated always as (amount * 2) stored
);
insert into kinds (label, amount, ratio, small, feeling, count, composite, period, custom, days, words, grid, document,
  plain, raw, tags, email, address, net, code, bits, xml, search, spot, span, day, moment, money)
select 'row ' || g, (g * 1.0000000001)::numeric(30, 10), 1.0 / g, 1.1 / g, (enum_range(null::mood))[1 + g % 4], g,
  row(g, E'a,"b"\t)(' || g)::pair, tstzrange('2020-01-01', '2020-01-01'::timestamptz + g * '1 hour'::interval),
  span(g, g + 0.5), array[daterange('2020-01-01', '2020-02-01'), 'empty'],
  array['a', null, 'NULL', '', E'\\', E'"\n', '{', 'ü'], array[[g, 2], [3, null]],
  jsonb_build_object('n', g, 'text', E'\\n "quoted" \u00e9', 'null', null), '{ "b" : 1,  "a":[ ] }',
  decode(md5(g::text), 'hex') || '\x00ff0a0d5c'::bytea, hstore(array['k', g::text, 'none', null]), 'Some@One.example',
  '10.0.0.1/24', '10.1.0.0/16', md5(g::text)::uuid, b'1011', '<a b="c">&lt;</a>', to_tsvector('simple', 'one two ' || g),
  point(g, -g), g * '1 day 3 hours'::interval, '2020-02-29', '2020-03-29 01:30:00+00', g * 1.25
from generate_series(1, 500) g;
insert into kinds (label, ratio, small, day, moment) values
  ('infinite', 'infinity', 'nan', 'infinity', '-infinity'), ('tiny', 5e-324, 1e-45, '4713-01-01 BC', '294276-12-31');
insert into kinds (label) select 'all null' from generate_series(1, 3);

-- Text that looks like COPY's own marks
create table lookalikes (id integer, body text);
insert into lookalikes values
  (1, '\.'), (2, E'\\.\n'), (3, E'\\.\n\n\n'), (4, '\N'), (5, null), (6, ''), (7, E'\\\\.'), (8, E'tab\there'),
  (9, E'line\nfeed\r\ncarriage\rback\\slash'), (10, E'\b\f\v\x01\x7f'), (11, 'COPY t FROM stdin;'), (12, E'\n\\.\n'),
  (13, '\! touch /tmp/never'), (14, repeat(E'\n', 1000)), (15, repeat('€ 𝄞 ', 100)), (16, E'\\');
create table one_column (body text);
insert into one_column values ('\.'), (null), (''), (E'\\.\n\n\n'), ('\N'), (E'\n'), ('x');

-- Empty, without columns, very wide, very long
create table empty (id integer primary key, body text);
create table no_columns ();
insert into no_columns default values;
insert into no_columns default values;
do $$ begin
  execute 'create table wide (' || (select string_agg(format('"column %s" %s', g, case when g % 3 = 0 then 'text' else 'integer' end), ', ')
    from generate_series(1, 1200) g) || ')';
  execute 'insert into wide select ' || (select string_agg(case when g % 3 = 0 then '''t' || g || '''' when g % 7 = 0 then 'null' else 's * ' || g end, ', ')
    from generate_series(1, 1200) g) || ' from generate_series(1, 20) s';
end $$;
create table long_values (id integer, body text);
insert into long_values values (1, repeat('0123456789', 300000)), (2, repeat(E'\n', 200000)), (3, null);

-- Names
create table "Schäma.with ""quotes"""."Täble; drop table ""x""; --" ("Cölumn ""1""" integer primary key, "select" text, "new
line" integer default 7);
insert into "Schäma.with ""quotes"""."Täble; drop table ""x""; --" values (1, 'one', null), (2, 'zwei', 2);
create table aux."$(touch canary)" (id integer);
insert into aux."$(touch canary)" values (1);
create table aux."日本語" ("列" text);
insert into aux."日本語" values ('値');

-- Dropped columns and inheritance
create table shrunk (a integer, gone text, b integer, c integer default 3);
insert into shrunk select g, 'x', g * 2 from generate_series(1, 50) g;
alter table shrunk drop column gone;
create table parent (id integer primary key, kind text);
create table child (extra text) inherits (parent);
insert into parent values (1, 'parent');
insert into child values (2, 'child', 'more');

-- Partitions: range with a default, list below it, hash
create table events (id bigint, happened date not null, region text, payload jsonb) partition by range (happened);
create table events_2023 partition of events for values from ('2023-01-01') to ('2024-01-01');
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01') partition by list (region);
create table events_2024_eu partition of events_2024 for values in ('eu');
create table events_2024_rest partition of events_2024 default;
create table events_other partition of events default;
create index on events (happened, region);
insert into events select g, '2022-06-01'::date + g * 3, (array['eu', 'us', null])[1 + g % 3], '{}' from generate_series(1, 400) g;
create table hashed (id integer primary key, body text) partition by hash (id);
create table hashed_0 partition of hashed for values with (modulus 3, remainder 0);
create table hashed_1 partition of hashed for values with (modulus 3, remainder 1);
create table hashed_2 partition of hashed for values with (modulus 3, remainder 2);
insert into hashed select g, md5(g::text) from generate_series(1, 300) g;

-- Circular foreign keys, a self reference
create table departments (id serial primary key, name text not null unique, head integer);
create table employees (id serial primary key, department integer not null references departments, boss integer references employees, name text);
alter table departments add foreign key (head) references employees deferrable initially deferred;
begin;
insert into departments (name, head) values ('one', 1), ('two', 2);
insert into employees (department, boss, name) values (1, null, 'Ada'), (2, 1, 'Bob'), (1, 2, 'Cy');
commit;

-- Triggers that would change restored rows, rules, functions
create table audited (id integer primary key, changed integer not null default 0);
create function bump() returns trigger language plpgsql as $$ begin new.changed := new.changed + 1; return new; end $$;
insert into audited values (1, 0), (2, 5);
create trigger bump before insert or update on audited for each row execute function bump();
create function "odd; name"(a integer, b text default 'x''y') returns text language sql immutable as $body$ select a || $2 $body$;
create procedure aux.nothing() language plpgsql as $$ begin null; end $$;
create table ruled (id integer);
create rule elsewhere as on insert to ruled do also insert into empty values (new.id + 1000, 'by rule');
create aggregate aux.product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
create operator aux.=== (leftarg = text, rightarg = text, procedure = texteq);
create function mood_rank(mood) returns integer language sql immutable as 'select length($1::text)';
create cast (mood as integer) with function mood_rank(mood);

-- Row-level security, also against the owner
create table secrets (id integer primary key, owner text not null, secret text);
insert into secrets values (1, 'postgres', 'mine'), (2, 'reader', 'theirs');
alter table secrets enable row level security;
alter table secrets force row level security;
create policy own on secrets for select to reader using (owner = current_user);
create policy everyone on secrets as restrictive using (id > 0) with check (id < 100);

-- Views, materialised views upon one another
create view departments_view as select d.name, e.name as head from departments d left join employees e on e.id = d.head;
create materialized view totals as select region, count(*) as n from events group by region;
create unique index on totals (region);
create materialized view totals_of_totals as select sum(n) as n from totals;
create materialized view unfilled as select 1 as one with no data;
create recursive view numbers (n) as values (1) union all select n + 1 from numbers where n < 3;

-- Sequences: far, cycling, descending, never used, owned
create sequence far as bigint start 9223372036854775000;
select nextval('far'), nextval('far');
create sequence cycling minvalue 1 maxvalue 3 cycle;
select nextval('cycling') from generate_series(1, 4);
create sequence descending increment -7 start -1;
select nextval('descending'), nextval('descending');
create sequence unused start 42;
create table numbered (id integer generated by default as identity, other serial, body text);
insert into numbered (body) select 'n' from generate_series(1, 9);

-- Indexes, exclusion, statistics, comments, grants, ownership
create extension btree_gist;
create table bookings (room integer, during tsrange, exclude using gist (room with =, during with &&));
insert into bookings values (1, '[2020-01-01,2020-01-02)'), (1, '[2020-01-02,2020-01-03)');
create index on kinds using gin (document);
create index on kinds using gin (label gin_trgm_ops);
create index on kinds ((lower(email::text))) where count > 10;
create unique index nulls_last on employees (name desc nulls last) include (boss);
create statistics related (dependencies) on a, b from shrunk;
comment on table kinds is 'all of them';
comment on column kinds.label is E'with \\ backslash and ''quote''';
comment on function bump() is '\! echo';
grant select on kinds, events to reader;
grant select (id, owner), update (secret) on secrets to reader with grant option;
grant usage on schema aux to public;
alter default privileges in schema aux grant select on tables to reader;
alter table bookings owner to "awkward owner";
alter sequence unused owner to "awkward owner";
create publication everything for all tables;

-- Large objects, one empty, one with an owner, a grant and a comment
select lo_from_bytea(4001, decode(repeat('00ff0a5c2e', 5000), 'hex'));
select lo_from_bytea(4002, '');
select lo_from_bytea(4003, 'small');
alter large object 4003 owner to "awkward owner";
grant select on large object 4001 to reader;
comment on large object 4001 is 'picture';
