import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sql } from 'kysely';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { type Author, TAKEN_OVER } from '../../src/server/configuration/author.ts';
import { deleteDocument, findDocument, writeDocument } from '../../src/server/configuration/documents.ts';
import { ensureOwnPlan } from '../../src/server/configuration/own-plan.ts';
import { changeSettings } from '../../src/server/configuration/settings.ts';
import { archiveTenant, createTenant } from '../../src/server/configuration/tenants.ts';
import { exportFile } from '../../src/server/configuration-file/export-file.ts';
import { takeOverCatalog } from '../../src/server/restores/take-over-catalog.ts';
import { LEFT_TABLES, TAKEN_TABLES } from '../../src/server/restores/taken-tables.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const THEN = Date.parse('2025-03-01T10:00:00.000Z');
const NOW = Date.parse('2026-11-21T10:00:00.000Z');
const author: Author = { origin: 'ui', name: 'ann', atMs: THEN };

/** Of what is taken over, the columns that tell who wrote it here, and when. */
const ANEW: Readonly<Record<(typeof TAKEN_TABLES)[number], readonly string[]>> = {
  tenants: [],
  settings: ['origin', 'updated_at', 'updated_by'],
  documents: ['id', 'version', 'origin', 'created_at', 'updated_at', 'updated_by'],
};

onEachCatalog('taking over a catalog', (place) => {
  all(place);
  tables(place);
  keeping(place);
  ownPlan(place);
});

/** The catalog of a server that was lost, with one of everything. */
async function oldCatalog(t: TestContext): Promise<{ readonly file: string; readonly catalog: Catalog }> {
  const file = join(await temporaryFolder(t), 'catalog.db');
  const catalog = await openCatalog({ file }, { clock: fakeClock(THEN) });
  t.after(() => catalog.close());
  await catalog.transaction(async (trx) => {
    for (const id of ['acme', 'gone']) await createTenant(trx, { id, name: id.toUpperCase() }, author);
    await changeSettings(trx, null, { 'retention.days': 90, 'runs.limit': 3, 'history.days': null }, author);
    await changeSettings(trx, 'acme', { 'retention.days': 9 }, author);
    const write = (
      kind: 'source' | 'destination' | 'channel' | 'plan',
      name: string,
      body: object,
      tenantId: string | null = null,
    ) => writeDocument(trx, { kind, name, body, tenantId, replaces: null }, author);
    await write('source', 'app', { kind: 'sqlite', path: '/srv/app.db' });
    await write('source', 'own', { kind: 'files', path: '/srv/acme' }, 'acme');
    await write('source', 'deleted', { kind: 'files', path: '/srv/x' });
    await deleteDocument(trx, { kind: 'source', name: 'deleted', version: 1 }, author);
    await write('destination', 'main', { address: '/backups', minimumFreeBytes: 5 });
    await write('channel', 'ops', {
      kind: 'webhook',
      url: { env: 'OPS_URL' },
      secret: { env: 'OPS' },
      rules: [{ plans: ['nightly'] }],
    });
    await write('channel', 'theirs', { kind: 'ping', url: 'https://ping.example.org/a' }, 'acme');
    await write('plan', 'nightly', {
      sources: ['app'],
      schedule: '0 2 * * *',
      drill: { schedule: '0 5 * * *' },
    });
    await write('plan', 'theirs', { sources: ['own'], tenantId: 'acme' });
    await write('plan', 'former', { sources: ['app'], tenantId: 'gone', schedule: '0 4 * * *' });
    await archiveTenant(trx, 'gone', { ...author, atMs: THEN + 5 });
    await ensureOwnPlan(trx, { file: '/old/catalog.db' }, author);
  });
  return { file, catalog };
}

async function rowsOf(catalog: Catalog, table: (typeof TAKEN_TABLES)[number]): Promise<string[]> {
  const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(table)}`.execute(catalog.db);
  return rows
    .filter((row) => row.deleted_at == null)
    .map((row) =>
      Object.fromEntries(
        Object.entries(row)
          .filter(([name]) => !ANEW[table].includes(name))
          .sort(),
      ),
    )
    .map((row) => JSON.stringify(row))
    .sort();
}

function all(place: CatalogPlace): void {
  test('everything that somebody configured is there again, to the last column', async (t) => {
    const old = await oldCatalog(t);
    const fresh = await place.open(t, fakeClock(NOW));
    assert.deepEqual(await takeOverCatalog(old.file, fresh), {
      ...{ plans: 4, sources: 3, destinations: 1, channels: 2, tenants: 2 },
    });
    for (const table of TAKEN_TABLES) {
      const rows = await rowsOf(fresh, table);
      assert.deepEqual(rows, await rowsOf(old.catalog, table), table);
      assert.ok(rows.length > 1, table);
    }
    assert.equal(await exportFile(fresh.db), await exportFile(old.catalog.db));
    const entries = await fresh.db
      .selectFrom('schedule_entries as entry')
      .innerJoin('documents', 'documents.id', 'entry.plan_id')
      .select(['documents.name', 'entry.enabled', 'entry.cron'])
      .orderBy('documents.name')
      .execute();
    assert.deepEqual(
      entries.map(({ name, enabled, cron }) => [name, enabled, cron]),
      [
        ['former', 0, '0 4 * * *'],
        ['holdfast-catalog', 1, '30 1 * * *'],
        ['nightly', 1, '0 2 * * *'],
        ['theirs', 1, '0 3 * * 1'],
      ],
      'nothing runs for a tenant that was archived',
    );
  });
}

function tables(place: CatalogPlace): void {
  test('of every table it is known whether it is taken over, and why not', async (t) => {
    const catalog = await place.open(t);
    const names = await catalog.db.introspection.getTables();
    const found = names.map(({ name }) => name).filter((name) => name !== 'migrations');
    assert.deepEqual(found.sort(), [...TAKEN_TABLES, ...Object.keys(LEFT_TABLES)].sort());
  });
}

function keeping(place: CatalogPlace): void {
  test('what is here already stays as it is; what is no catalog changes nothing', async (t) => {
    const old = await oldCatalog(t);
    const fresh = await place.open(t, fakeClock(NOW));
    await fresh.transaction(async (trx) => {
      await createTenant(trx, { id: 'acme', name: 'Here' }, author);
      await changeSettings(trx, null, { 'retention.days': 7 }, author);
      const body = { kind: 'webhook', url: 'https://here.example.org', secret: { env: 'HERE' } };
      await writeDocument(trx, { kind: 'channel', name: 'ops', body, replaces: null }, author);
    });
    const stray = { scope: 'acme', key: 'runs.limit', value: '1', origin: 'api' as const };
    const unknown = { ...stray, scope: '*', key: 'of.another.version' };
    for (const row of [stray, unknown]) {
      await old.catalog.db
        .insertInto('settings')
        .values({ ...row, updated_at: 1, updated_by: null })
        .execute();
    }
    const junk = join(await temporaryFolder(t), 'junk');
    await writeFile(junk, 'PGDMP and more');
    await assert.rejects(takeOverCatalog(junk, fresh), {
      code: 'source_damaged',
      next: /HOLDFAST_DATABASE_URL/,
    });
    await writeFile(junk, 'no catalog');
    await assert.rejects(takeOverCatalog(junk, fresh), { code: 'source_damaged', next: /catalog\.db/ });
    assert.equal(await findDocument(fresh.db, 'plan', 'nightly'), null);

    const { channels, tenants } = await takeOverCatalog(old.file, fresh);
    assert.deepEqual([channels, tenants], [1, 1]);
    const text = await exportFile(fresh.db);
    assert.match(text, /https:\/\/here\.example\.org/);
    assert.match(text, /name: Here/);
    assert.match(text, /^ {2}retention\.days: 7$/m);
    assert.match(text, /^ {2}runs\.limit: 3$/m);
    const settings = await fresh.db.selectFrom('settings').select('key').where('value', '=', '1').execute();
    assert.deepEqual(settings, []);
  });
}

function ownPlan(place: CatalogPlace): void {
  test('the plan of the catalog itself backs up the catalog that is here', async (t) => {
    const old = await oldCatalog(t);
    const fresh = await place.open(t, fakeClock(NOW));
    await takeOverCatalog(old.file, fresh);
    const pathOf = async () => (await findDocument(fresh.db, 'source', 'holdfast-catalog'))!;
    assert.equal((await pathOf()).updatedBy, TAKEN_OVER);
    const ensure = (file: string) => fresh.transaction((trx) => ensureOwnPlan(trx, { file }, author));
    await ensure('/new/catalog.db');
    assert.deepEqual((await pathOf()).body, { kind: 'sqlite', path: '/new/catalog.db' });
    await ensure('/elsewhere/catalog.db');
    assert.deepEqual(
      (await pathOf()).body,
      { kind: 'sqlite', path: '/new/catalog.db' },
      'as it was written since',
    );
  });
}
