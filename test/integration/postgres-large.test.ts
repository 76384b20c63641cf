/** Tables large enough to be loaded by themselves, whose indexes and keys are made while others still load. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { tocOfStream } from '../../src/engine/sources/postgres/archive-toc.ts';
import {
  parseDumpFacts,
  postgresSource,
  restorePostgres,
  verifyPostgresEquality,
} from '../../src/engine/sources/postgres/index.ts';
import { planRestore } from '../../src/engine/sources/postgres/restore-plan.ts';
import { plainDump } from '../support/plain-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { type MemoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCHEMA = `
create schema "odd ""one";
create function public.shout(text) returns text language sql immutable as 'select upper($1)';
create table public.places (id integer primary key, name text not null);
insert into places select g, 'place ' || g from generate_series(1, 50) g;
create table "odd ""one"."Big.one" (id bigint primary key, "Parent" bigint, place integer, code text, body text);
insert into "odd ""one"."Big.one"
  select g, nullif(g / 2, 0), 1 + g % 50, md5(g::text), repeat(md5(g::text), 3) from generate_series(1, 14000) g;
create table public.lines (id bigint, one bigint, place integer, label text, during int4range);
insert into lines select g, 1 + g % 14000, 1 + g % 50, repeat('line ' || g, 4), int4range(g, g + 1)
  from generate_series(1, 26000) g;
create table public.parted (id bigint primary key, label text) partition by range (id);
create table public.parted_low partition of parted for values from (0) to (20000);
create table public.parted_high partition of parted for values from (20000) to (90000);
insert into parted select g, repeat(md5(g::text), 2) from generate_series(1, 40000) g;
create index on parted (label);

alter table lines add constraint lines_key primary key (id);
alter table lines add constraint lines_later unique (one, id) deferrable initially deferred;
alter table lines add constraint lines_apart exclude using gist (during with &&);
alter table lines cluster on lines_key;
create index lines_shouted on lines (public.shout(label));
create index lines_some on lines (place) include (one) where place > 10;
create unique index "odd Index" on "odd ""one"."Big.one" (code collate "C" desc, id);
create index by_lower on "odd ""one"."Big.one" (lower(body));
comment on index lines_some is 'a comment on an index';
alter index "odd ""one".by_lower alter column 1 set statistics 500;
alter table lines replica identity using index lines_key;

alter table "odd ""one"."Big.one" add constraint "to; itself" foreign key ("Parent")
  references "odd ""one"."Big.one" (id) on delete set null deferrable initially deferred;
alter table "odd ""one"."Big.one" add foreign key (place) references places on update cascade;
alter table lines add constraint lines_one foreign key (one) references "odd ""one"."Big.one" (id);
alter table lines add constraint lines_place foreign key (place) references places match full;
alter table lines add constraint lines_parted foreign key (id) references parted (id);
`;
/** Looked at no rows when it was made, and does not when it is restored. */
const UNCHECKED = `
alter table lines add constraint lines_unchecked foreign key (place) references places (id) not valid;
`;

let cluster: Cluster;
let url: string;
let dump: MemoryArtifact;

before(async () => {
  cluster = await startCluster();
  url = await cluster.createDatabase('large');
  await cluster.psql(SCHEMA + UNCHECKED, 'large');
});
after(() => cluster?.stop());

async function dumpOf(address: string, folder: string): Promise<MemoryArtifact> {
  const [artifact] = await runSource(postgresSource({ name: 'large', url: address }), sourceContext(folder));
  return artifact as MemoryArtifact;
}

test('the plan makes early what needs nothing but its table, and leaves the rest', async (t) => {
  dump = await dumpOf(url, await temporaryFolder(t));
  const toc = await tocOfStream(memoryReader().read(dump.content), 'object_damaged');
  const plan = planRestore(toc, parseDumpFacts(dump.facts)!)!;
  const namesOf = (entries: readonly { readonly entry: { readonly name: string } }[]) =>
    entries.map(({ entry }) => entry.name).sort();
  const indexesOf = (name: string) => namesOf(plan.tables.find(({ table }) => table.name === name)!.indexes);
  assert.deepEqual(indexesOf('lines'), [
    'lines lines_apart',
    'lines lines_key',
    'lines lines_later',
    'lines_some',
  ]);
  assert.deepEqual(indexesOf('Big.one'), ['Big.one Big.one_pkey', 'by_lower', 'odd Index']);
  assert.deepEqual(namesOf(plan.foreignKeys), [
    'Big.one Big.one_place_fkey',
    'Big.one to; itself',
    'lines lines_one',
    'lines lines_place',
  ]);
  const later = plan.later.map(({ name }) => name);
  for (const name of ['lines_shouted', 'lines lines_parted', 'lines lines_unchecked', 'INDEX lines_some']) {
    assert.ok(later.includes(name), `${name} comes later`);
  }
});

for (const jobs of [1, 4]) {
  test(`restoring with ${jobs} connections gives the same database`, async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const targetUrl = cluster.urlOf(`restored ${jobs}`);
    const { content, facts } = dump;
    const reader = memoryReader(10_007);
    const report = await restorePostgres({ reader, content, facts, targetUrl, scratchFolder, jobs });
    assert.equal(report.path, 'tables');
    const names = (text: string) => text.replaceAll(`restored ${jobs}`, 'large');
    assert.equal(names(plainDump(cluster, `restored ${jobs}`)), plainDump(cluster, 'large'));
    const unlike = `select conname, convalidated from pg_constraint where not convalidated order by 1`;
    assert.equal(await cluster.psql(unlike, `restored ${jobs}`), await cluster.psql(unlike, 'large'));
    const invalid = 'select indexrelid::regclass from pg_index where not indisvalid or not indisready';
    assert.equal(await cluster.psql(invalid, `restored ${jobs}`), '');
    const wanted = parseDumpFacts(facts)!;
    assert.deepEqual(await verifyPostgresEquality(wanted, { url: targetUrl, scratchFolder }), []);
  });
}

test('a key that the rows do not meet fails the restore by name, and nothing stays', async (t) => {
  const address = await cluster.createDatabase('broken');
  await cluster.psql(
    `create table parents (id integer primary key);
     create table children (id integer primary key, parent integer references parents, body text);
     set session_replication_role = replica;
     insert into children select g, g, repeat(md5(g::text), 4) from generate_series(1, 9000) g;`,
    'broken',
  );
  const scratchFolder = await temporaryFolder(t);
  const { content, facts } = await dumpOf(address, scratchFolder);
  const targetUrl = cluster.urlOf('unmet');
  await assert.rejects(
    restorePostgres({ reader: memoryReader(), content, facts, targetUrl, scratchFolder }),
    (error: { code?: string; message?: string }) =>
      error.code === 'database_failed' &&
      /children children_parent_fkey: .*violates/.test(error.message ?? ''),
  );
  assert.equal(await cluster.psql(`select count(*) from pg_database where datname = 'unmet'`), '0');
});

for (const phase of ['tables', 'indexes']) {
  test(`an interrupt while ${phase} are under way ends it, and nothing stays`, async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const stop = new AbortController();
    const progress = {
      ...silentProgress,
      phase(name: string) {
        if (name === phase) setImmediate(() => stop.abort());
      },
    };
    const { content, facts } = dump;
    const common = { reader: memoryReader(10_007), content, facts, scratchFolder, progress };
    await assert.rejects(
      restorePostgres({ ...common, targetUrl: cluster.urlOf('interrupted'), signal: stop.signal }),
      { code: 'interrupted' },
    );
    assert.equal(await cluster.psql(`select count(*) from pg_database where datname = 'interrupted'`), '0');
  });
}
