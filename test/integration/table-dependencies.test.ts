/** One table of a dump with everything it needs, into an empty database and beside what is there. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failed, place, succeeded } from '../support/cli-place.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

const SCHEMA = `
  create schema sales; create schema other;
  create type sales.state as enum ('open', 'paid'); create domain other.euro as numeric check (value >= 0);
  create function other.next_code() returns text language sql as $$ select 'c' || floor(random() * 1000) $$;
  create table other.countries (code text primary key, name text);
  create table sales.customers (id int generated always as identity primary key, country text references other.countries, boss int references sales.customers);
  create table sales.unrelated (id serial primary key, customer int references sales.customers);
  create sequence other.numbers;
  create table sales.orders (id serial primary key, number int default nextval('other.numbers'), customer int not null references sales.customers,
    state sales.state, total other.euro, code text default other.next_code()) partition by range (id);
  create table sales.orders_1 partition of sales.orders for values from (0) to (100);
  create table sales.orders_2 partition of sales.orders for values from (100) to (1000);
  create table sales."order lines" (order_id int references sales.orders, line int, primary key (order_id, line));
  create index by_state on sales.orders (state);
  insert into other.countries values ('de', 'Germany'), ('fr', 'France');
  insert into sales.customers (country, boss) values ('de', null), ('fr', 1), ('de', 2);
  insert into sales.orders (customer, state, total) select 1 + i % 3, 'paid', i from generate_series(1, 200) i;
  insert into sales."order lines" select id, 1 from sales.orders;
  insert into sales.unrelated (customer) values (1);`;

const TABLES = `select string_agg(n.nspname || '.' || relname, ' ' order by 1) from pg_class c join pg_namespace n on n.oid = relnamespace
  where relkind in ('r', 'p') and nspname in ('sales', 'other')`;

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

test('a table comes with types, sequences, partitions and what its foreign keys refer to, and nothing else', async (t) => {
  const { holdfast } = await place(t);
  const url = await cluster.createDatabase('shop');
  await cluster.psql(SCHEMA, 'shop');
  succeeded(await holdfast(['backup', url]));
  const to = await cluster.createDatabase('found');
  const restore = [
    'restore',
    'latest',
    '--table',
    'sales.order lines',
    '--with-dependencies',
    '--confirm-restore',
  ];
  const run = succeeded(await holdfast([...restore, '--to', to]));
  assert.match(run.stdout, /restored with it: .*other\.countries/);
  const names = (await cluster.psql(TABLES, 'found')).split(' ').sort();
  assert.deepEqual(
    names.join(' '),
    'lines other.countries sales.customers sales.order sales.orders sales.orders_1 sales.orders_2',
  );
  const rows = `select (select count(*) from sales."order lines") || ' ' || (select sum(total) from sales.orders) || ' ' ||
    (select count(*) from sales.customers) || ' ' || (select count(*) from other.countries)`;
  assert.equal(await cluster.psql(rows, 'found'), await cluster.psql(rows, 'shop'));
  const keys = "select count(*) from pg_constraint where contype = 'f' and conparentid = 0";
  assert.equal(await cluster.psql(keys, 'found'), '4', 'every foreign key but that of the table left out');
  await cluster.psql("insert into sales.orders (customer, state, total) values (1, 'open', 1)", 'found');
  assert.equal(
    await cluster.psql("select max(id) || ' ' || max(number) from sales.orders", 'found'),
    '201 201',
    'sequences go on',
  );
  await assert.rejects(cluster.psql('insert into sales.orders (customer) values (99)', 'found'));
  failed(await holdfast([...restore, '--to', to, '--json']), 7, 'target_not_empty');
  failed(await holdfast(['restore', 'latest', '--with-dependencies', '--to', to, '--json']), 2, 'usage');
});

test('what is there is left as it is: the lost table alone is made and filled', async (t) => {
  const { holdfast } = await place(t);
  const url = await cluster.createDatabase('live');
  await cluster.psql(SCHEMA, 'live');
  succeeded(await holdfast(['backup', url]));
  await cluster.psql(
    `drop table sales."order lines"; update other.countries set name = 'changed since'; insert into other.countries values ('it', 'Italy')`,
    'live',
  );
  succeeded(
    await holdfast([
      'restore',
      'latest',
      '--table',
      'sales.order lines',
      '--with-dependencies',
      '--to',
      url,
      '--confirm-restore',
    ]),
  );
  assert.equal(await cluster.psql('select count(*) from sales."order lines"', 'live'), '200');
  assert.equal(
    await cluster.psql("select string_agg(name, ',') from other.countries where code <> 'it'", 'live'),
    'changed since,changed since',
  );
  assert.equal(
    await cluster.psql(
      "select count(*) from pg_constraint where conrelid = 'sales.\"order lines\"'::regclass and contype = 'f' and conparentid = 0",
      'live',
    ),
    '1',
  );
});
