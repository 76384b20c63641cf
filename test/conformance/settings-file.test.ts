import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/contracts/config.ts';
import { parseConfig } from '../../src/contracts/config-file.ts';
import { findDocument, storedConfig, writeDocument } from '../../src/server/configuration/documents.ts';
import { changeSettings, effectiveSettings, settingValues } from '../../src/server/configuration/settings.ts';
import { archiveTenant, createTenant, listTenants } from '../../src/server/configuration/tenants.ts';
import { applyFile, changeName } from '../../src/server/configuration-file/apply-file.ts';
import { exportFile } from '../../src/server/configuration-file/export-file.ts';
import type { FileChange } from '../../src/server/configuration-file/file-change.ts';
import { planChanges } from '../../src/server/configuration-file/plan-changes.ts';
import { makeSetting } from '../../src/server/configuration-file/setting-changes.ts';
import { makeTenant } from '../../src/server/configuration-file/tenant-changes.ts';
import { syncAllSchedules } from '../../src/server/schedule/schedule.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { type ServerWorld, serverWorld } from '../support/server-world.ts';

const FILE = `settings:
  retention.days: 90
  schedule.cron: 0 2 * * *
  history.days: null
tenants:
  acme:
    name: Acme Ltd
    sources: [mine]
    settings: { retention.days: 30, schedule.timeZone: Europe/Berlin }
  gone: { archived: true }
plans:
  nightly: { sources: [mine], tenantId: acme }
sources:
  mine: { kind: sqlite, path: /srv/mine.db }
`;

onEachCatalog('settings and tenants as code', (place) => {
  applying(place);
  conflicts(place);
  owners(place);
  leaving(place);
  roundTrip(place);
});

function configOf(yaml: string): Config {
  const result = parseConfig(yaml);
  assert.ok('config' in result, JSON.stringify(result));
  return result.config;
}

async function worldOf(place: CatalogPlace, t: Parameters<typeof serverWorld>[1]) {
  const world = await serverWorld(place, t);
  const { catalog } = world;
  const author = world.author('ann');
  return {
    ...world,
    apply: (yaml: string, ...overwrite: string[]) =>
      applyFile(catalog, configOf(yaml), new Set(overwrite), author),
    /** Without what stays, which the world has. */
    async diff(yaml: string) {
      return shown((await planChanges(catalog.db, configOf(yaml))).filter(({ change }) => change !== 'keep'));
    },
    set: (tenantId: string | null, changes: Parameters<typeof changeSettings>[2]) =>
      catalog.transaction(async (trx) => {
        await changeSettings(trx, tenantId, changes, author);
        await syncAllSchedules(trx, author.atMs);
      }),
  };
}

const shown = (changes: readonly FileChange[]) =>
  changes.map((one) =>
    [
      `${one.change} ${changeName(one)}`,
      ...one.fields.map(
        ({ field, stored, file }) => `${field} ${JSON.stringify(stored)} ${JSON.stringify(file)}`,
      ),
      ...(one.conflict ? [`conflict ${one.changedBy}`] : []),
    ].join(', '),
  );

const cronOf = async ({ catalog }: Pick<ServerWorld, 'catalog'>, plan: string) => {
  const rows = await catalog.db
    .selectFrom('schedule_entries')
    .innerJoin('documents', 'documents.id', 'plan_id')
    .where('documents.name', '=', plan)
    .select(['cron', 'time_zone', 'enabled'])
    .execute();
  return rows.map(({ cron, time_zone, enabled }) => [cron, time_zone, enabled]);
};

function applying(place: CatalogPlace): void {
  test('a file sets what holds for all and for tenants, and schedules follow', async (t) => {
    const world = await worldOf(place, t);
    const { catalog } = world;
    await world.plan('weekly');
    assert.deepEqual(await world.diff(FILE), [
      'create tenant/acme',
      'create tenant/gone',
      'create setting/history.days, value undefined null',
      'create setting/retention.days, value undefined 90',
      'create setting/schedule.cron, value undefined "0 2 * * *"',
      'create setting/acme/retention.days, value undefined 30',
      'create setting/acme/schedule.timeZone, value undefined "Europe/Berlin"',
      'create source/mine',
      'create plan/nightly',
    ]);
    await world.apply(FILE);
    assert.deepEqual(await world.diff(FILE), []);
    const all = await effectiveSettings(catalog.db, null);
    const { value, from, origin, updatedBy } = all['retention.days'];
    assert.deepEqual([value, from, origin, updatedBy], [90, 'global', 'file', 'ann']);
    assert.deepEqual([all['history.days'].value, all['history.days'].from], [null, 'global']);
    assert.equal((await settingValues(catalog.db, 'acme'))['retention.days'], 30);
    assert.deepEqual(
      (await listTenants(catalog.db)).map(({ id, name, archivedAtMs }) => [id, name, archivedAtMs !== null]),
      [
        ['acme', 'Acme Ltd', false],
        ['gone', 'gone', true],
      ],
    );
    assert.deepEqual(await cronOf(world, 'nightly'), [['0 2 * * *', 'Europe/Berlin', 1]]);
    assert.deepEqual(
      await cronOf(world, 'weekly'),
      [['0 2 * * *', 'UTC', 1]],
      'of plans that the file does not name, too',
    );

    // What only the file changed goes in; what it leaves out goes back to what is inherited.
    const next = FILE.replace('days: 30', 'days: 31')
      .replace(/ {2}schedule\.cron.*\n/, '')
      .replace('Acme Ltd', 'Acme');
    assert.deepEqual(await world.diff(next), [
      'replace tenant/acme, name "Acme Ltd" "Acme"',
      'delete setting/schedule.cron, value "0 2 * * *" undefined',
      'replace setting/acme/retention.days, value 30 31',
    ]);
    await world.apply(next);
    assert.deepEqual(await world.diff(next), []);
    assert.deepEqual(await cronOf(world, 'weekly'), [['0 3 * * 1', 'UTC', 1]]);
  });
}

function conflicts(place: CatalogPlace): void {
  test('what was set, removed or archived elsewhere is shown, and overwritten only by name', async (t) => {
    const world = await worldOf(place, t);
    const { catalog } = world;
    await world.apply(FILE);
    await world.set(null, { 'retention.days': 60 });
    await world.set('acme', { 'retention.days': undefined });
    await catalog.transaction((trx) => archiveTenant(trx, 'acme', world.author('bob')));
    const expected = [
      'replace tenant/acme, archived true false, conflict bob',
      'replace setting/retention.days, value 60 90, conflict ann',
      'create setting/acme/retention.days, value undefined 30, conflict ann',
    ];
    assert.deepEqual(await world.diff(FILE), expected);
    const names = ['tenant/acme', 'setting/retention.days', 'setting/acme/retention.days'];
    for (const left of names) {
      await assert.rejects(world.apply(FILE, ...names.filter((name) => name !== left)), {
        code: 'document_changed',
        message: new RegExp(`^${left} was changed elsewhere by (ann|bob)`),
      });
    }
    assert.deepEqual(await world.diff(FILE), expected, 'nothing changed');
    assert.deepEqual(await cronOf(world, 'nightly'), [['0 2 * * *', 'Europe/Berlin', 0]]);
    await world.apply(FILE, ...names);
    assert.deepEqual(await world.diff(FILE), []);
    assert.deepEqual(await cronOf(world, 'nightly'), [['0 2 * * *', 'Europe/Berlin', 1]]);

    // Equal again: it belongs to the file, and nobody has to decide anything.
    await world.set(null, { 'retention.days': 60 });
    const taken = FILE.replace('days: 90', 'days: 60');
    assert.deepEqual(await world.diff(taken), ['adopt setting/retention.days']);
    await world.apply(taken);
    assert.deepEqual(await world.diff(FILE), ['replace setting/retention.days, value 60 90']);
  });

  test('what changes between the look and the write is not overwritten', async (t) => {
    const world = await worldOf(place, t);
    const { catalog } = world;
    await world.apply(FILE);
    const file = FILE.replace('days: 90', 'days: 91\n  runs.limit: 7').replace('Acme Ltd', 'Acme');
    const looked = await planChanges(catalog.db, configOf(file));
    const write = (name: string) =>
      catalog.transaction(async (trx) => {
        const change = looked.find((one) => changeName(one) === name);
        assert.ok(change, name);
        const make = change.kind === 'tenant' ? makeTenant : makeSetting;
        await make(trx, change, { ...world.author('cy'), origin: 'file' });
      });
    await world.set(null, { 'retention.days': 92, 'runs.limit': 8 });
    await catalog.transaction((trx) => archiveTenant(trx, 'acme', world.author('bob')));
    for (const name of ['tenant/acme', 'setting/retention.days', 'setting/runs.limit']) {
      await assert.rejects(write(name), { code: 'document_changed', message: /was changed meanwhile/ }, name);
    }
    const values = await settingValues(catalog.db, null);
    assert.deepEqual([values['retention.days'], values['runs.limit']], [92, 8]);
    const acme = (await listTenants(catalog.db)).find(({ id }) => id === 'acme');
    assert.deepEqual([acme?.name, acme?.archivedAtMs === null], ['Acme Ltd', false]);
  });
}

function owners(place: CatalogPlace): void {
  test('whose alone a source is stands with its tenant, and is compared like the rest of it', async (t) => {
    const world = await worldOf(place, t);
    const { catalog } = world;
    await world.apply(FILE);
    const give = (tenantId: string | null) =>
      catalog.transaction(async (trx) => {
        const { kind, name, body, version } = (await findDocument(trx, 'source', 'mine'))!;
        await writeDocument(trx, { kind, name, body, tenantId, replaces: version }, world.author('ann'));
      });
    await give('other');
    assert.deepEqual(await world.diff(FILE), ['replace source/mine, tenantId "other" "acme", conflict ann']);
    assert.deepEqual((await storedConfig(catalog.db)).tenants.other, {
      ...{ name: 'other', sources: ['mine'], settings: {} },
    });
    await give('acme');
    assert.deepEqual(await world.diff(FILE), ['adopt source/mine']);
    await world.apply(FILE);
    const everybodys = FILE.replace(/ {4}sources: .*\n/, '');
    assert.deepEqual(await world.diff(everybodys), ['replace source/mine, tenantId "acme" undefined']);
    await world.apply(everybodys);
    assert.equal((await findDocument(catalog.db, 'source', 'mine'))?.tenantId, null);
    // Of a tenant that the file does not have it says nothing.
    await world.apply(FILE);
    const before = everybodys.replace(/tenants:[\s\S]*plans:/, 'plans:');
    await world.apply(before);
    assert.equal((await findDocument(catalog.db, 'source', 'mine'))?.tenantId, 'acme');
  });
}

function leaving(place: CatalogPlace): void {
  test('what never came from a file stays; a tenant that leaves it is archived, never deleted', async (t) => {
    const world = await worldOf(place, t);
    const { catalog } = world;
    await catalog.transaction(async (trx) => {
      for (const id of ['constructor', 'other', 'past'])
        await createTenant(trx, { id, name: id.toUpperCase() }, world.author());
      await archiveTenant(trx, 'past', world.author());
    });
    await world.set('other', { 'retention.days': 5 });
    await world.set(null, { 'runs.limit': 4 });
    await world.apply(FILE);
    const keeps = shown(await planChanges(catalog.db, configOf(FILE))).filter((one) =>
      /tenant|setting/.test(one),
    );
    assert.deepEqual(keeps, [
      ...['keep tenant/constructor', 'keep tenant/other', 'keep tenant/past'],
      ...['keep setting/runs.limit', 'keep setting/other/retention.days'],
    ]);
    const empty = FILE.replace(/tenants:[\s\S]*plans:/, 'plans:');
    assert.deepEqual(await world.diff(empty), [
      'delete tenant/acme',
      'delete setting/acme/retention.days, value 30 undefined',
      'delete setting/acme/schedule.timeZone, value "Europe/Berlin" undefined',
    ]);
    await world.apply(empty);
    const tenants = (await listTenants(catalog.db)).map(({ id, archivedAtMs }) => [
      id,
      archivedAtMs !== null,
    ]);
    assert.deepEqual(tenants, [
      ...[
        ['acme', true],
        ['constructor', false],
      ],
      ...[
        ['gone', true],
        ['other', false],
        ['past', true],
      ],
    ]);
    assert.deepEqual(await cronOf(world, 'nightly'), [['0 2 * * *', 'UTC', 0]]);
    assert.deepEqual(await world.diff(empty), []);
    // A setting that others made after the file had let go of it is theirs.
    await world.set('acme', { 'retention.days': 9 });
    assert.deepEqual(await world.diff(empty), []);
    // And the file brings its tenant back.
    assert.deepEqual(await world.diff(FILE.replace('retention.days: 30, ', '')), [
      'replace tenant/acme, archived true false',
      'create setting/acme/schedule.timeZone, value undefined "Europe/Berlin"',
    ]);
    // What somebody changed since and the file left out is not removed unseen.
    await world.set(null, { 'schedule.cron': '0 4 * * *' });
    const without = empty.replace(/ {2}schedule\.cron.*\n/, '');
    assert.deepEqual(await world.diff(without), [
      'delete setting/schedule.cron, value "0 4 * * *" undefined, conflict ann',
    ]);
    await assert.rejects(world.apply(without), { code: 'document_changed' });
  });

  test('a document that a file took over equal goes when it leaves the file', async (t) => {
    const world = await worldOf(place, t);
    const all = await exportFile(world.catalog.db);
    await world.apply(all);
    assert.deepEqual(await world.diff(all.replace(/ {2}results:\n.*\n.*\n/, '')), ['delete source/results']);
  });
}

function roundTrip(place: CatalogPlace): void {
  test('what is exported makes the same of a fresh server', async (t) => {
    const world = await worldOf(place, t);
    await world.apply(FILE);
    await world.set(null, { 'runs.limit': 4, 'schedule.enabled': false });
    // Earlier versions let a tenant have it, and it means nothing there.
    const stray = { scope: 'acme', key: 'runs.limit', value: '3', origin: 'api' as const };
    await world.catalog.db
      .insertInto('settings')
      .values({ ...stray, updated_at: 1, updated_by: null })
      .execute();
    const text = await exportFile(world.catalog.db);
    const fresh = await worldOf(place, t);
    await fresh.apply(text);
    assert.equal(await exportFile(fresh.catalog.db), text);
    assert.deepEqual(await fresh.diff(text), []);
    assert.deepEqual(await cronOf(fresh, 'nightly'), await cronOf(world, 'nightly'));
    const { settings, tenants } = configOf(text);
    assert.deepEqual(settings, {
      ...{ 'schedule.enabled': false, 'schedule.cron': '0 2 * * *' },
      ...{ 'retention.days': 90, 'runs.limit': 4, 'history.days': null },
    });
    const mine = await findDocument(fresh.catalog.db, 'source', 'mine');
    assert.equal(mine?.tenantId, 'acme');
    assert.deepEqual(tenants.acme, {
      name: 'Acme Ltd',
      sources: ['mine'],
      settings: { 'schedule.timeZone': 'Europe/Berlin', 'retention.days': 30 },
    });
  });
}
