/** One tenant of a shared database: exported (B4), and put back while every other row stays as it is (X4). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type PostgresOptions,
  postgresSource,
  readTenantExport,
  restoreCopy,
  restoreTenant,
  type TenantPlan,
  type TenantRule,
} from '../../src/engine/sources/postgres/index.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { type MemoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOSTILE = `o'; drop table tenants; -- "\\\\`;
const RULES: Record<string, TenantRule> = {
  countries: 'skip',
  'odd schema."t; drop': { where: `t."te'nant" = $tenant` },
  payments: { via: 'payer,order_no' },
};

/** Cycles (a customer's best order), a tree, a composite key, partitions, a generated and an identity column, no key at all. */
const SCHEMA = `
create table countries (code text primary key);
insert into countries values ('at'), ('ch');
create table tenants (id text primary key, name text, config jsonb);
create table customers (id bigint generated always as identity primary key, tenant_id text not null references tenants, email text unique,
  country text references countries, best bigint, parent bigint references customers);
create table orders (tenant_id text not null references tenants, no int, customer bigint not null references customers, total numeric,
  vat numeric generated always as (total * 0.2) stored, primary key (tenant_id, no));
alter table customers add column best_tenant text, add foreign key (best_tenant, best) references orders (tenant_id, no);
alter table customers alter column best type int;
create table lines (id serial primary key, order_tenant text, order_no int, note text,
  foreign key (order_tenant, order_no) references orders (tenant_id, no));
create table line_tags (line int not null references lines, tag text);
create table payments (id serial primary key, tenant_id2 text, tenant_id text, order_no int, customer bigint references customers);
alter table payments rename tenant_id to payer; alter table payments rename tenant_id2 to tenant_of;
alter table payments add foreign key (payer, order_no) references orders (tenant_id, no);
create table events (tenant_id text, at date, what text) partition by range (at);
create table events_1 partition of events for values from ('2024-01-01') to ('2024-07-01');
create table events_2 partition of events default;
create schema "odd schema"; create table "odd schema"."""t; drop" (id int primary key, "te'nant" text);
create function fill(who text, base int) returns void language plpgsql as $$ begin
  insert into tenants values (who, 'name of ' || who, '{"a": 1}');
  insert into customers (tenant_id, email, country) select who, who || g || '@x', 'at' from generate_series(1, 5) g;
  update customers c set parent = (select min(id) from customers where tenant_id = who) where tenant_id = who;
  insert into orders (tenant_id, no, customer, total) select who, g, (select min(id) + g % 5 from customers where tenant_id = who), g * 1.5
    from generate_series(1, 20) g;
  update customers set best_tenant = who, best = 3 where tenant_id = who;
  insert into lines (order_tenant, order_no, note) select who, g % 20 + 1, 'line "' || g || '",' || E'\\n' from generate_series(1, 40) g;
  insert into line_tags select id, 'tag' from lines where order_tenant = who;
  insert into payments (payer, order_no, customer) select who, no, customer from orders where tenant_id = who;
  insert into events select who, '2024-06-20'::date + g, 'e' || g % 3 from generate_series(1, 20) g;
  insert into "odd schema"."""t; drop" values (base, who);
end $$;
select fill('acme', 1), fill('other', 2), fill(E'${HOSTILE.replaceAll("'", "\\'")}', 3);
`;

/** A fingerprint of one tenant's rows, or of all. */
const PRINT = (who: string) => `
select md5(string_agg(r, '|' order by r)) from (
  select t::text r from tenants t where id ${who} union all select t::text from customers t where tenant_id ${who}
  union all select t::text from orders t where tenant_id ${who} union all select t::text from lines t where order_tenant ${who}
  union all select g::text from line_tags g join lines l on l.id = g.line where order_tenant ${who}
  union all select t::text from payments t where payer ${who} union all select t::text from events t where tenant_id ${who}
  union all select t::text from "odd schema"."""t; drop" t where "te'nant" ${who}) x`;

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
  await cluster.createDatabase('shared');
  await cluster.psql(SCHEMA, 'shared');
});
after(() => cluster?.stop());

const print = (who: string, database: string) => cluster.psql(PRINT(who), database);
let copies = 0;
async function copyOfShared(): Promise<string> {
  copies += 1;
  await cluster.psql(`create database live_${copies} template shared`);
  return `live_${copies}`;
}

const tenantOf = (id: string, rules = RULES) => ({ id, column: 'tenant_id', rules });
async function exportOf(folder: string, id: string, rules = RULES): Promise<MemoryArtifact[]> {
  const options: PostgresOptions = {
    name: 'main',
    url: cluster.urlOf('shared'),
    tenant: tenantOf(id, rules),
  };
  return runSource(postgresSource(options), sourceContext(folder));
}

async function putBack(database: string, artifacts: MemoryArtifact[], decide = (_: TenantPlan) => true) {
  const { tenant, files } = await readTenantExport(memoryReader(777), artifacts);
  return restoreTenant({ targetUrl: cluster.urlOf(database), tenant: tenant!, files, decide });
}

const HARM = `
  delete from line_tags where line in (select id from lines where order_tenant = 'acme' and order_no < 5);
  delete from lines where order_tenant = 'acme' and order_no < 5;
  update orders set total = 0 where tenant_id = 'acme' and no > 10;
  insert into orders (tenant_id, no, customer, total) select 'acme', 99, min(id), 1 from customers where tenant_id = 'acme';
  update customers set best = 99, email = 'changed' where tenant_id = 'acme' and id = (select max(id) from customers where tenant_id = 'acme');
  delete from events where tenant_id = 'acme' and what = 'e1';
  update tenants set name = 'vandal' where id = 'acme'`;

describe('one tenant of a shared database', () => {
  for (const id of ['acme', HOSTILE.replaceAll('\\\\', '\\')]) {
    test(`is exported alone and restores into an empty database: ${id}`, async (t) => {
      const artifacts = await exportOf(await temporaryFolder(t), id, { ...RULES, countries: 'all' });
      assert.equal(artifacts.find(({ name }) => name === 'public.orders.csv')!.facts.rows, 20);
      const database = `alone_${copies++}`;
      await restoreCopy({
        ...{ reader: memoryReader(999), targetUrl: cluster.urlOf(database), artifacts, schema: 'create' },
      });
      assert.equal(
        await print('is not null', database),
        await print(`= E'${id.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`, 'shared'),
      );
    });
  }

  test('comes back as it was, while others are untouched and go on writing', async (t) => {
    const artifacts = await exportOf(await temporaryFolder(t), 'acme');
    const live = await copyOfShared();
    const wanted = await print(`= 'acme'`, live);
    await cluster.psql(HARM, live);
    assert.notEqual(await print(`= 'acme'`, live), wanted);
    const others = await print(`<> 'acme'`, live);
    await cluster.psql(`select setval('lines_id_seq', 1)`, live);
    let seen: TenantPlan | null = null;
    const refused = await putBack(live, artifacts, (plan) => {
      seen = plan;
      return false;
    });
    assert.equal(refused.applied, false);
    assert.notEqual(await print(`= 'acme'`, live), wanted);
    const counts = new Map(
      seen!.tables.map(({ table, deletes, inserts, updates }) => [table, [deletes, inserts, updates]]),
    );
    assert.deepEqual(counts.get('orders'), [1, 0, 10]);
    assert.deepEqual(counts.get('customers'), [0, 0, 1]);
    assert.deepEqual(counts.get('lines'), [0, 8, 0]);
    const writer = `insert into events values ('other', '2024-02-02', 'while restoring')`;
    const report = await putBack(live, artifacts, () => {
      void cluster.psql(writer, live);
      return true;
    });
    assert.deepEqual(report.plan.conflicts, []);
    assert.ok(report.sequences.includes('public.lines_id_seq'));
    assert.equal(await print(`= 'acme'`, live), wanted);
    await cluster.psql(`delete from events where what = 'while restoring'`, live);
    assert.equal(await print(`<> 'acme'`, live), others);
    const again = await putBack(live, artifacts);
    assert.ok(again.plan.tables.every(({ deletes, inserts, updates }) => deletes + inserts + updates === 0));
  });

  test('is refused when rows of others have its keys, and when what it refers to is gone', async (t) => {
    const artifacts = await exportOf(await temporaryFolder(t), 'acme');
    const live = await copyOfShared();
    await cluster.psql(
      `${HARM}; update customers set email = 'acme5@x' where email = 'other1@x'; update customers set country = null;
       delete from countries where code = 'at'`,
      live,
    );
    const before = await print('is not null', live);
    await assert.rejects(putBack(live, artifacts), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'restore_mismatch');
      assert.match(error.message, /customers: 1 rows of others have the same email: \(acme5@x\)/);
      assert.match(
        error.message,
        /customers: 5 rows refer by country to rows of countries that do not exist: \(at\)/,
      );
      return true;
    });
    assert.equal(await print('is not null', live), before);
  });

  test('a change to the same rows meanwhile ends it, and nothing is done', async (t) => {
    const artifacts = await exportOf(await temporaryFolder(t), 'acme');
    const live = await copyOfShared();
    await cluster.psql(HARM, live);
    const { tenant, files } = await readTenantExport(memoryReader(), artifacts);
    let isChanged = false;
    // The last file is read after the transaction's snapshot was taken.
    const last = files.at(-1)!;
    const feed: typeof last.feed = async (take) => {
      await cluster.psql(`update tenants set name = 'meanwhile' where id = 'acme'`, live);
      isChanged = true;
      await last.feed(take);
    };
    const target = { targetUrl: cluster.urlOf(live), tenant: tenant!, decide: () => true };
    await assert.rejects(restoreTenant({ ...target, files: [...files.slice(0, -1), { ...last, feed }] }), {
      code: 'target_busy',
    });
    assert.ok(isChanged);
    assert.match(await cluster.psql(`select name from tenants where id = 'acme'`, live), /meanwhile/);
  });

  test('a restore that reaches rows of others is noticed and undone', async (t) => {
    const artifacts = await exportOf(await temporaryFolder(t), 'acme');
    const live = await copyOfShared();
    // Careless: whatever is deleted of one tenant goes from every other as well.
    await cluster.psql(
      `${HARM}; create function careless() returns trigger language plpgsql as $$ begin
       delete from events where tenant_id = 'other' and what = 'e2'; return null; end $$;
       create trigger careless after update on tenants for each row execute function careless()`,
      live,
    );
    const before = await print('is not null', live);
    await assert.rejects(putBack(live, artifacts), {
      code: 'restore_mismatch',
      message: 'rows of others would have changed in events',
    });
    assert.equal(await print('is not null', live), before);
    await cluster.psql(
      `create or replace function careless() returns trigger language plpgsql as $$ begin
       update orders set total = total + 1 where tenant_id = 'acme' and no = 1; return null; end $$`,
      live,
    );
    await assert.rejects(putBack(live, artifacts), { message: /orders would not be as in the backup/ });
    assert.equal(await print('is not null', live), before);
  });
});

describe('rules', () => {
  test('rows that cannot be told are refused by name', async (t) => {
    const folder = await temporaryFolder(t);
    const { countries, payments, ...rest } = RULES;
    await assert.rejects(exportOf(folder, 'acme', rest), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'config_invalid');
      assert.match(error.message, /countries has no relation to the tenant: give it the rule skip or all/);
      assert.match(
        error.message,
        /payments reaches the tenant by customer \(customers\) and payer,order_no \(orders\)/,
      );
      return true;
    });
    await assert.rejects(
      exportOf(folder, 'acme', { ...RULES, nothing: 'skip' }),
      /rule for nothing fits 0 tables/,
    );
    await assert.rejects(
      exportOf(folder, 'acme', { ...RULES, lines: { via: 'note' } }),
      /lines has 0 foreign keys note/,
    );
  });
});
