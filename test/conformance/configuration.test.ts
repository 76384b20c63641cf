import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GLOBAL_SETTING_KEYS } from '../../src/contracts/settings.ts';
import {
  deleteDocument,
  findDocument,
  listDocuments,
  storedConfig,
  writeDocument,
} from '../../src/server/configuration/documents.ts';
import { changeSettings, effectiveSettings } from '../../src/server/configuration/settings.ts';
import { createTenant, listTenants } from '../../src/server/configuration/tenants.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { serverWorld } from '../support/server-world.ts';

onEachCatalog('configuration', (place) => {
  documents(place);
  deleting(place);
  settings(place);
});

function documents(place: CatalogPlace): void {
  test('a document is changed by whoever saw it as it is, and every version stays', async (t) => {
    const world = await serverWorld(place, t);
    const { catalog, author } = world;
    const change = (replaces: number | null, schedule: string) =>
      catalog.transaction((trx) =>
        writeDocument(
          trx,
          { kind: 'plan', name: 'nightly', body: { sources: ['app'], schedule }, replaces },
          author('ann'),
        ),
      );
    const first = await change(null, '0 1 * * *');
    assert.deepEqual([first.version, first.updatedBy, first.origin], [1, 'ann', 'api']);
    await assert.rejects(change(null, '0 2 * * *'), { code: 'name_taken' });
    const results = await Promise.allSettled(
      ['0 2 * * *', '0 3 * * *', '0 4 * * *'].map((cron) => change(1, cron)),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    assert.deepEqual(refused, ['document_changed', 'document_changed']);
    const now = await findDocument(catalog.db, 'plan', 'nightly');
    assert.equal(now?.version, 2);
    const versions = await catalog.db
      .selectFrom('document_versions')
      .selectAll()
      .where('document_id', '=', first.id)
      .orderBy('version')
      .execute();
    assert.deepEqual(
      versions.map(({ version, body }) => [version, JSON.parse(body!).schedule]),
      [
        [1, '0 1 * * *'],
        [2, now?.body.schedule],
      ],
    );
  });

  test('what is not valid is refused with the field, and nothing changes', async (t) => {
    const { catalog, author } = await serverWorld(place, t);
    const before = await storedConfig(catalog.db);
    const write = (kind: 'plan' | 'source' | 'destination', name: string, body: unknown) =>
      catalog.transaction((trx) => writeDocument(trx, { kind, name, body, replaces: null }, author()));
    const cases: [() => Promise<unknown>, string, RegExp][] = [
      [
        () => write('plan', 'p', { sources: [] }),
        'config_invalid',
        /plan\.p\.sources: must name at least one source/,
      ],
      [
        () => write('plan', 'p', { sources: ['apps'] }),
        'config_invalid',
        /no source "apps", did you mean app\?/,
      ],
      [
        () => write('plan', 'p', { sources: ['app'], destination: 'x' }),
        'config_invalid',
        /no destination "x"/,
      ],
      [() => write('plan', 'p', { sources: ['app'], schedule: '99 * * * *' }), 'schedule_invalid', /99/],
      [
        () => write('plan', 'p', { sources: ['app'], timeZone: 'Nowhere/City' }),
        'schedule_invalid',
        /Nowhere\/City/,
      ],
      [
        () => write('plan', 'p', { sources: ['app'], databases: { results: { hour: 1 } } }),
        'config_invalid',
        /databases/,
      ],
      [
        () => write('plan', 'p', { sources: ['app'], databases: { app: { hour: 24 } } }),
        'config_invalid',
        /hour/,
      ],
      [() => write('plan', 'a/b', { sources: ['app'] }), 'config_invalid', /"a\/b" is not a name/],
      [
        () => write('source', 's', { kind: 'postgres', url: 'postgres://u:hunter2@h/d' }),
        'config_invalid',
        /url/,
      ],
      [
        () => write('destination', 'd', { address: '/x', password: 'hunter2' }),
        'config_invalid',
        /destination\.d/,
      ],
    ];
    for (const [done, code, message] of cases) {
      const error = await done().then(
        () => null,
        (thrown: unknown) => thrown as Error & { code: string },
      );
      assert.equal(error?.code, code, String(message));
      assert.match(error!.message, message);
      assert.doesNotMatch(error!.message, /hunter2/);
    }
    assert.deepEqual(await storedConfig(catalog.db), before);
  });
}

function deleting(place: CatalogPlace): void {
  test('what a plan uses is not deleted; what is deleted is gone, and its name is free', async (t) => {
    const world = await serverWorld(place, t);
    const { catalog, author } = world;
    const plan = await world.plan('nightly', { separate: { app: ['main'] } });
    const drop = (kind: 'plan' | 'source' | 'destination', name: string, version = 1) =>
      catalog.transaction((trx) => deleteDocument(trx, { kind, name, version }, author()));
    await assert.rejects(drop('source', 'app'), { code: 'in_use', message: 'source app is used by nightly' });
    await assert.rejects(drop('destination', 'main'), { code: 'in_use' });
    await assert.rejects(drop('plan', 'nightly', 7), { code: 'document_changed' });
    await drop('plan', 'nightly');
    await drop('source', 'app');
    await assert.rejects(drop('plan', 'nightly'), { code: 'plan_unknown' });
    await assert.rejects(drop('source', 'app'), { code: 'document_unknown' });
    assert.deepEqual(await listDocuments(catalog.db, 'plan'), []);
    assert.deepEqual(await world.schedule.upcoming({ limit: 5 }), []);
    const again = await world.plan('nightly', { sources: ['results'] });
    assert.notEqual(again.id, plan.id);
  });
}

function settings(place: CatalogPlace): void {
  test('a setting is inherited from all to a tenant, and says where it comes from', async (t) => {
    const { catalog, author } = await serverWorld(place, t);
    const change = (tenantId: string | null, changes: Parameters<typeof changeSettings>[2]) =>
      catalog.transaction((trx) => changeSettings(trx, tenantId, changes, author('ann')));
    const seen = async (tenantId: string | null) => {
      const { value, from, updatedBy } = (await effectiveSettings(catalog.db, tenantId))['retention.days'];
      return [value, from, updatedBy];
    };
    assert.deepEqual(await seen('acme'), [365, 'default', null]);
    await change(null, { 'retention.days': 90 });
    assert.deepEqual(
      [await seen('acme'), await seen(null)],
      [
        [90, 'global', 'ann'],
        [90, 'global', 'ann'],
      ],
    );
    await change('acme', { 'retention.days': 7 });
    assert.deepEqual(
      [await seen('acme'), await seen('other')],
      [
        [7, 'tenant', 'ann'],
        [90, 'global', 'ann'],
      ],
    );
    await change('acme', { 'retention.days': undefined });
    assert.deepEqual(await seen('acme'), [90, 'global', 'ann']);
    const broken = change('acme', { 'retention.versions': 3, 'retention.days': 0 });
    await assert.rejects(broken, { code: 'config_invalid', message: /retention\.days/ });
    assert.equal((await effectiveSettings(catalog.db, 'acme'))['retention.versions'].from, 'default');
  });

  test('what all have together no tenant has, and one that is stored means nothing', async (t) => {
    const { catalog, author } = await serverWorld(place, t);
    const change = (tenantId: string | null, changes: Parameters<typeof changeSettings>[2]) =>
      catalog.transaction((trx) => changeSettings(trx, tenantId, changes, author('ann')));
    for (const key of GLOBAL_SETTING_KEYS) {
      const refusal = {
        code: 'config_invalid',
        message: `${key} is a setting of the server, and no tenant has its own`,
      };
      await assert.rejects(change('acme', { 'retention.days': 7, [key]: 40 }), refusal);
      await assert.rejects(change('acme', { [key]: null }), refusal);
      // As an earlier version took it.
      const stored = {
        scope: 'acme',
        key,
        value: '41',
        origin: 'api' as const,
        updated_at: 1,
        updated_by: null,
      };
      await catalog.db.insertInto('settings').values(stored).execute();
      await change(null, { [key]: 42 });
      const { value, from } = (await effectiveSettings(catalog.db, 'acme'))[key];
      assert.deepEqual([value, from], [42, 'global']);
      await change('acme', { [key]: undefined });
    }
    const kept = await catalog.db.selectFrom('settings').select(['scope', 'key']).orderBy('key').execute();
    assert.deepEqual(
      kept.map(({ scope, key }) => [scope, key]),
      [...GLOBAL_SETTING_KEYS].sort().map((key) => ['*', key]),
    );
  });

  test('a tenant has an id that can stand in a path, once', async (t) => {
    const { catalog, author } = await serverWorld(place, t);
    const create = (id: string) =>
      catalog.transaction((trx) => createTenant(trx, { id, name: id.toUpperCase() }, author()));
    await create('acme');
    await assert.rejects(create('acme'), { code: 'name_taken' });
    for (const bad of ['global', '', 'a/b', '../x', '-a', 'ä']) {
      await assert.rejects(create(bad), { code: 'config_invalid' }, bad);
    }
    assert.deepEqual(
      (await listTenants(catalog.db)).map(({ id, name }) => [id, name]),
      [['acme', 'ACME']],
    );
  });
}
