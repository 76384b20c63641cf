/** Drills of databases that are not what they should be: red, and for the right reason. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DrillCheck, KeptState } from '../../src/engine/operations/drill/drill-types.ts';
import { assertGreen, assertRed, onDatabase, type Sabotage, someOf } from '../support/drill-sabotage.ts';
import { type DrillWorld, drillWorld, SCHEMA } from '../support/drill-world.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

let live: Cluster;
let scratch: Cluster;

/** A named server is quicker than one made for each drill; that one is what drills.test.ts is about. */
const settings = () => ({ postgresServer: scratch.url });

async function start(t: TestContext): Promise<void> {
  live = await startCluster();
  t.after(() => live.stop());
  scratch = await startCluster();
  t.after(() => scratch.stop());
}

const sqlCheck = (more: Partial<Extract<DrillCheck, { kind: 'sql' }>>): DrillCheck => ({
  ...{ kind: 'sql', name: 'assertion', source: 'main', query: 'select 1', expect: 1, timeoutMs: 120_000 },
  ...more,
});

const inDatabase = (sql: string) => (state: KeptState) => onDatabase(state.databases.main!, sql);
const content = ['content of db.dump'];
const schema = ['schema of db.dump'];
const sabotages: readonly Sabotage[] = [
  {
    name: 'a changed row',
    spoil: inDatabase("update users set name = 'other' where id = 7"),
    red: content,
    says: /public\.users: as many rows, but not the same/,
  },
  {
    name: 'a blank at the end of a value',
    spoil: inDatabase("update notes set body = body || ' ' where body = 'note 9'"),
    red: content,
    says: /public\.notes/,
  },
  {
    name: 'a missing row',
    spoil: inDatabase('delete from orders where id = 11'),
    red: content,
    says: /1999 rows instead of 2000/,
  },
  {
    name: 'a row more',
    spoil: inDatabase("insert into notes values ('new')"),
    red: content,
    says: /51 rows instead of 50/,
  },
  {
    name: 'an emptied table',
    spoil: inDatabase('delete from notes'),
    red: content,
    says: /0 rows instead of 50/,
  },
  {
    name: 'a missing table',
    spoil: inDatabase('drop table notes'),
    red: [...content, ...schema],
    says: /public\.notes: missing/,
  },
  {
    name: 'a wrong sequence',
    spoil: inDatabase("select setval('users_id_seq', 3)"),
    red: content,
    says: /sequence public\.users_id_seq: at 3 instead of 200/,
  },
  {
    name: 'a changed large object',
    spoil: inDatabase("select lo_put(oid, 0, 'X') from pg_largeobject_metadata"),
    red: content,
    says: /large objects/,
  },
  {
    name: 'a missing index',
    spoil: inDatabase('drop index orders_by_user'),
    red: schema,
    says: /index public\.orders_by_user: missing/,
  },
  {
    name: 'a missing foreign key',
    spoil: inDatabase('alter table orders drop constraint orders_user_id_fkey'),
    red: schema,
    says: /orders_user_id_fkey: missing/,
  },
  {
    name: 'a view that says something else',
    spoil: inDatabase(
      'create or replace view totals as select user_id, sum(total) * 2 as total from orders group by user_id',
    ),
    red: schema,
    says: /view public\.totals: defined differently/,
  },
  {
    name: 'an assertion on a value',
    settings: { checks: [sqlCheck({ query: 'select count(*) from users', expect: { atLeast: 201 } })] },
    red: ['assertion'],
    says: /200 instead of at least 201/,
  },
  {
    name: 'an assertion on rows',
    settings: {
      checks: [
        sqlCheck({
          query: 'select id, name from users order by id limit 2',
          expect: {
            rows: [
              [1, 'user 1'],
              [2, 'user two'],
            ],
          },
        }),
      ],
    },
    red: ['assertion'],
    says: /row 2 is \(2, user 2\)/,
  },
  {
    name: 'an assertion that no longer fits the schema',
    settings: { checks: [sqlCheck({ query: 'select count(*) from payments' })] },
    red: ['assertion'],
    says: /payments/,
  },
  {
    name: 'an assertion that takes too long',
    settings: { checks: [sqlCheck({ query: 'select pg_sleep(60)', timeoutMs: 200 })] },
    red: ['assertion'],
    says: /timeout/,
  },
  {
    name: 'an assertion that would write',
    settings: { checks: [sqlCheck({ query: 'delete from users' })] },
    red: ['assertion'],
    says: /read-only/,
  },
  {
    name: 'an assertion that would leave its transaction',
    settings: { checks: [sqlCheck({ query: 'commit; delete from users' })] },
    red: ['assertion'],
    says: /multiple commands/,
  },
];

test('every sabotage of a restored database is red, for its own reason', async (t) => {
  await start(t);
  const world = await drillWorld(t, live, 'shop');
  await world.backup();
  assertGreen(await world.drill({ settings: settings() }));
  for (const one of someOf(sabotages, 11)) {
    await t.test(one.name, async () => {
      const spoil = one.spoil ? { onRestored: async (state: KeptState) => one.spoil!(state) } : {};
      assertRed(await world.drill({ ...spoil, settings: { ...settings(), ...one.settings } }), one);
    });
  }
  await t.test(
    'negative control: what is spoilt behind the comparison is not found, and the harness says so',
    async () => {
      const blind = await world.drill({
        onKept: async (state) => onDatabase(state.databases.main!, 'delete from notes'),
        settings: settings(),
      });
      assert.equal(blind.report.result, 'green');
      assert.throws(() => assertRed(blind, { red: content, says: /./ }), { code: 'ERR_ASSERTION' });
    },
  );
  await t.test('no scratch database is left on the server', async () => {
    assert.equal(await scratch.psql("select count(*) from pg_database where datname like 'holdfast%'"), '0');
  });
  await badBackups(t, world);
});

/** The backup itself is whole, and of the wrong thing. */
async function badBackups(t: TestContext, world: DrillWorld): Promise<void> {
  const of = async (database: string, sql: string) => {
    const url = await live.createDatabase(database);
    await live.psql(sql, database);
    await world.backup([{ kind: 'postgres', name: 'main', url, globals: false }]);
    return url;
  };
  const main = [{ name: 'main', kind: 'postgres' as const, mayLack: false }];
  await t.test('an empty dump', async () => {
    await of('empty', 'select 1');
    const drilled = await world.drill({ sources: [], expected: main, settings: settings() });
    assertRed(drilled, { red: ['rows of main'], says: /no tables/ });
  });
  await t.test('tables without a single row', async () => {
    await of('rowless', 'create table users (id int); create table orders (id int)');
    const drilled = await world.drill({ sources: [], expected: main, settings: settings() });
    assertRed(drilled, { red: ['rows of main'], says: /none of its 2 tables has a row/ });
    const allowed = await world.drill({
      sources: [],
      expected: main,
      settings: { ...settings(), mayBeEmpty: ['main'] },
    });
    assert.equal(allowed.report.result, 'green');
  });
  await t.test('the wrong database', async () => {
    await of('staging', SCHEMA);
    const drilled = await world.drill({ expected: main, settings: settings() });
    assertRed(drilled, { red: ['database of main'], says: /of the database staging, the plan names shop/ });
  });
  await t.test('a source that is in the plan and not in the backup', async () => {
    const expected = [...main, { name: 'vault', kind: 'sqlite' as const, mayLack: false }];
    const drilled = await world.drill({ sources: [], expected, settings: settings() });
    assertRed(drilled, { red: ['holds vault'], says: /nothing of the source vault/ });
  });
  await t.test('an extension that this machine lacks', async () => {
    await of(
      'extended',
      "create extension citext; create table users (email citext); insert into users values ('a')",
    );
    const programs = withoutExtension(world.folder, live.binFolder, 'citext');
    const drilled = await world.drill({
      sources: [],
      expected: main,
      settings: { postgresPrograms: [programs] },
    });
    assertRed(drilled, { red: { failure: 'database_failed' }, says: /citext/ });
    const whole = await world.drill({ sources: [], expected: main, settings: settings() });
    assert.equal(whole.report.result, 'green', JSON.stringify(whole.report.checks));
  });
}

/** The server programs once more, with everything beside them but one extension. They find their files by where they lie. */
function withoutExtension(folder: string, binFolder: string, extension: string): string {
  const root = join(folder, 'postgres');
  const version = binFolder.split('/').at(-2)!;
  const bin = join(root, 'usr/lib/postgresql', version, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const program of ['initdb', 'postgres']) cpSync(join(binFolder, program), join(bin, program));
  symlinkSync(join(dirname(binFolder), 'lib'), join(dirname(bin), 'lib'));
  const share = join(root, 'usr/share/postgresql', version);
  cpSync(join('/usr/share/postgresql', version), share, { recursive: true });
  for (const name of readdirSync(join(share, 'extension'))) {
    if (name.startsWith(extension)) unlinkSync(join(share, 'extension', name));
  }
  return bin;
}
