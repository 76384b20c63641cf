import assert from 'node:assert/strict';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import { migrate } from '../../src/server/catalog/migrate.ts';
import type { Catalog, CatalogDb } from '../../src/server/catalog/types.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const tenant = (id: string, name = id) => ({ id, name, created_at: 1, archived_at: null });
const tenantIds = async (db: CatalogDb) =>
  (await db.selectFrom('tenants').select('id').orderBy('id').execute()).map(({ id }) => id);

/** Reads, lets others work, and writes what it read plus one: loses counts unless transactions keep apart. */
async function increment(db: CatalogDb): Promise<void> {
  const row = await db
    .selectFrom('tenants')
    .select('created_at')
    .where('id', '=', 'n')
    .executeTakeFirstOrThrow();
  await sleep(1);
  await db
    .updateTable('tenants')
    .set({ created_at: row.created_at + 1 })
    .where('id', '=', 'n')
    .execute();
}

async function countAfter(catalog: Catalog, run: (work: (db: CatalogDb) => Promise<void>) => Promise<void>) {
  await catalog.db.deleteFrom('tenants').execute();
  await catalog.db
    .insertInto('tenants')
    .values({ ...tenant('n'), created_at: 0 })
    .execute();
  await Promise.all(Array.from({ length: 20 }, () => run(increment)));
  const row = await catalog.db.selectFrom('tenants').select('created_at').executeTakeFirstOrThrow();
  return row.created_at;
}

onEachCatalog('catalog', (place) => {
  test('whole numbers up to 2^53 and text come back as they were', async (t) => {
    const { db } = await place.open(t);
    const row = { ...tenant('grün/ß "quoted"'), created_at: Number.MAX_SAFE_INTEGER };
    await db.insertInto('tenants').values(row).execute();
    assert.deepEqual(await db.selectFrom('tenants').selectAll().executeTakeFirstOrThrow(), row);
    const { count } = await db
      .selectFrom('tenants')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    assert.equal(count, 1);
  });

  test('text is ordered by its bytes on both', async (t) => {
    const { db } = await place.open(t);
    const ids = ['a', 'B', 'a-b', 'ab', 'ä', 'Z', '0'];
    await db
      .insertInto('tenants')
      .values(ids.map((id) => tenant(id)))
      .execute();
    const bytewise = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await tenantIds(db), bytewise);
  });

  test('a transaction that throws leaves nothing, and the next one works', async (t) => {
    const catalog = await place.open(t);
    const broken = catalog.transaction(async (trx) => {
      await trx.insertInto('tenants').values(tenant('lost')).execute();
      throw new Error('the work broke');
    });
    await assert.rejects(broken, /the work broke/);
    const refused = catalog.transaction(async (trx) => {
      await trx.insertInto('tenants').values(tenant('lost')).execute();
      await trx.insertInto('tenants').values(tenant('lost')).execute();
    });
    await assert.rejects(refused, /unique|duplicate/i);
    await catalog.transaction((trx) => trx.insertInto('tenants').values(tenant('kept')).execute());
    assert.deepEqual(await tenantIds(catalog.db), ['kept']);
  });

  test('exclusive transactions of one name do not interleave; without them, counts are lost', async (t) => {
    const catalog = await place.open(t);
    assert.equal(await countAfter(catalog, (work) => catalog.exclusive('count', work)), 20);
    // The negative control: without a transaction the same work loses some.
    assert.ok((await countAfter(catalog, (work) => work(catalog.db))) < 20);
  });

  test('several programs open a new catalog at once, and each finds it complete', async (t) => {
    const address = await place.address(t);
    const opened = await Promise.all(Array.from({ length: 5 }, () => openCatalog(address)));
    t.after(() => Promise.all(opened.map((catalog) => catalog.close())));
    for (const catalog of opened) assert.deepEqual(await tenantIds(catalog.db), []);
    assert.deepEqual(await migrate(opened[0]!), []);
  });

  test('migrations are applied in order, each once, also one that comes in between later', async (t) => {
    const catalog = await place.open(t);
    const folder = join(await temporaryFolder(t), 'migrations');
    await mkdir(folder);
    const add = (name: string) =>
      writeFile(
        join(folder, `${name}.ts`),
        `export async function up(db) { await db.insertInto('tenants').values({ id: '${name}', name: '', created_at: 1 }).execute(); }`,
      );
    const known = await sql<{ name: string }>`select name from migrations`.execute(catalog.db);
    for (const { name } of known.rows) await add(name);
    await add('9002-second');
    await add('9001-first');
    const url = pathToFileURL(`${folder}/`);
    assert.deepEqual(await migrate(catalog, url), ['9001-first', '9002-second']);
    await add('9000-late');
    assert.deepEqual(await migrate(catalog, url), ['9000-late']);
    assert.deepEqual(await tenantIds(catalog.db), ['9000-late', '9001-first', '9002-second']);
  });

  test('a migration that fails leaves nothing behind', async (t) => {
    const catalog = await place.open(t);
    const folder = await temporaryFolder(t);
    const known = await sql<{ name: string }>`select name from migrations`.execute(catalog.db);
    for (const { name } of known.rows) await writeFile(join(folder, `${name}.ts`), '');
    await writeFile(
      join(folder, '9001-half.ts'),
      `export async function up(db) { await db.schema.createTable('half').addColumn('x', 'text').execute(); throw new Error('gave up'); }`,
    );
    const error = { code: 'catalog_failed', message: 'the catalog was not updated: gave up' };
    await assert.rejects(migrate(catalog, pathToFileURL(`${folder}/`)), error);
    await assert.rejects(sql`select * from half`.execute(catalog.db), /half/);
  });

  if (place.dialect === 'postgres') stuck(place);

  test('a catalog of a newer program is refused and left alone', async (t) => {
    const address = await place.address(t);
    const catalog = await openCatalog(address);
    await sql`insert into migrations (name, applied_at) values ('9999-of-the-future', 1)`.execute(catalog.db);
    await catalog.close();
    await assert.rejects(openCatalog(address), {
      code: 'catalog_newer',
      message: 'the catalog was changed by a newer version: it has 9999-of-the-future',
    });
  });
});

function stuck(place: CatalogPlace): void {
  test('a program that stopped inside a transaction does not hold others up for ever', async (t) => {
    const { db } = await place.open(t);
    const { rows } = await sql<{ limit: string }>`
      select current_setting('idle_in_transaction_session_timeout') as limit`.execute(db);
    assert.equal(rows[0]?.limit, '15s');
  });
}

test('an SQLite catalog is private, and its own database inside a transaction is refused', async (t) => {
  const file = join(await temporaryFolder(t), 'inner', 'catalog.db');
  const catalog = await openCatalog({ file });
  t.after(() => catalog.close());
  for (const name of [file, `${file}-wal`]) assert.equal((await stat(name)).mode & 0o777, 0o600, name);
  assert.equal((await stat(join(file, '..'))).mode & 0o777, 0o700);
  const wrong = catalog.transaction(() => catalog.db.selectFrom('tenants').selectAll().execute());
  await assert.rejects(wrong, /went around it/);
  assert.deepEqual(await tenantIds(catalog.db), []);
});

test('what cannot be opened says why, without the password', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'not-a-folder'), '');
  await assert.rejects(openCatalog({ file: join(folder, 'not-a-folder', 'c.db') }), {
    code: 'catalog_unreachable',
  });
  await writeFile(
    join(folder, 'text.db'),
    'this is no database, and it is long enough to look at'.repeat(30),
  );
  await assert.rejects(openCatalog({ file: join(folder, 'text.db') }), { code: 'catalog_unreachable' });
  const url = 'postgres://user:hunter2@127.0.0.1:1/none';
  const error = await openCatalog({ url }).catch((thrown: unknown) => thrown);
  assert.equal((error as { code: string }).code, 'catalog_unreachable');
  assert.doesNotMatch(String(error), /hunter2/);
});
