import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/engine/index.ts';
import type { DrillsTable } from '../../src/server/catalog/tables/drills.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { storedConfig } from '../../src/server/configuration/documents.ts';
import { ensureOwnPlan } from '../../src/server/configuration/own-plan.ts';
import { changeSettings } from '../../src/server/configuration/settings.ts';
import { getBackup, listBackups } from '../../src/server/history/backups.ts';
import { forgetHistory, forgetOld } from '../../src/server/history/forget-old.ts';
import { listTriggers } from '../../src/server/history/triggers.ts';
import { requestBackup } from '../../src/server/runs/request-backup.ts';
import { recordBackup, recordCopy } from '../../src/server/worker/record-backups.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { serverWorld } from '../support/server-world.ts';

const START_MS = Date.parse('2026-03-01T00:00:00Z');
const DAY_MS = 86_400_000;

/** Backups of one day each, newest last; some began in the same millisecond. */
async function addBackups(catalog: Catalog, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAtMs = START_MS + Math.floor(i / 2) * DAY_MS;
    const id = newId(startedAtMs);
    ids.push(id);
    await recordBackup(catalog.db, {
      ...{ id, plan: i % 3 === 0 ? 'third' : 'other', part: null, tenant_id: i % 2 === 0 ? null : 'acme' },
      ...{ type: 'full', status: 'succeeded', started_at: startedAtMs, size_bytes: i },
    });
    const seen = { destination_id: 'main', seen_at: startedAtMs };
    await recordCopy(catalog.db, { backup_id: id, state: 'present', ...seen });
  }
  return ids;
}

onEachCatalog('history', (place) => {
  lists(place);
  upkeep(place);
});

function lists(place: CatalogPlace): void {
  test('backups come newest first, each on one page, also those of one moment', async (t) => {
    const { catalog } = await serverWorld(place, t);
    const ids = await addBackups(catalog, 11);
    const seen: { id: string; startedAtMs: number }[] = [];
    let after: string | null = null;
    do {
      const page = await listBackups(catalog.db, {}, { limit: 3, after });
      seen.push(...page.items);
      after = page.next;
    } while (after !== null);
    assert.deepEqual(seen.map(({ id }) => id).toSorted(), ids.toSorted());
    const order = seen.map(({ startedAtMs, id }) => `${startedAtMs} ${id}`);
    assert.deepEqual(order, order.toSorted().toReversed());
    const list = async (filter: Parameters<typeof listBackups>[1]) =>
      (await listBackups(catalog.db, filter, { limit: 50, after: null })).items
        .map(({ sizeBytes }) => sizeBytes)
        .toSorted((a, b) => a - b);
    assert.deepEqual(await list({ tenantId: 'acme' }), [1, 3, 5, 7, 9]);
    assert.deepEqual(await list({ tenantId: null, plan: 'third' }), [0, 6]);
    assert.deepEqual(await list({ archived: true }), []);
    const one = await getBackup(catalog.db, ids[4]!);
    assert.deepEqual(
      [one?.sizeBytes, one?.copies.map(({ destinationId, state }) => [destinationId, state])],
      [4, [['main', 'present']]],
    );
    assert.equal(await getBackup(catalog.db, newId()), null);
    // A bundle of somebody else's making may bear the id of a backup that is known.
    const { id, plan, part, type, startedAtMs } = one!;
    await recordBackup(catalog.db, {
      ...{ id, plan, part, type, status: 'incomplete', started_at: startedAtMs, size_bytes: 4 },
      tenant_id: 'rival',
    });
    const again = await getBackup(catalog.db, id);
    assert.deepEqual([again?.tenantId, again?.status], [null, 'incomplete']);
    const wrong = await listBackups(catalog.db, {}, { limit: 1, after: "'; drop table backups" });
    assert.equal(wrong.items[0]?.id, seen[0]?.id);
  });

  test('the trigger history shows every request, who made it and how it stands', async (t) => {
    const world = await serverWorld(place, t);
    const plan = await world.plan('nightly', { tenantId: 'acme' });
    const ask = () => {
      const asked = {
        plan,
        via: 'ui' as const,
        requestedBy: 'ann',
        atMs: world.clock.nowMs(),
        type: 'db' as const,
      };
      return world.catalog.transaction((trx) => requestBackup(trx, world.queue, asked));
    };
    const first = await ask();
    world.clock.advance(1000);
    const second = await ask();
    assert.deepEqual([second.created, second.job.id], [false, first.job.id]);
    await world.queue.cancel(first.job.id);
    const { items } = await listTriggers(world.catalog.db, { tenantId: 'acme' }, { limit: 10, after: null });
    assert.deepEqual(
      items.map(({ via, requestedBy, outcome, job, type, jobId }) => [
        via,
        requestedBy,
        outcome,
        job?.status,
        type,
        jobId,
      ]),
      [
        ['ui', 'ann', 'duplicate', 'interrupted', 'db', first.job.id],
        ['ui', 'ann', 'accepted', 'interrupted', 'db', first.job.id],
      ],
    );
    assert.deepEqual(
      (await listTriggers(world.catalog.db, { tenantId: null }, { limit: 10, after: null })).items,
      [],
    );
  });
}

function upkeep(place: CatalogPlace): void {
  test('old jobs and triggers are forgotten, what is not over or not old stays', async (t) => {
    const world = await serverWorld(place, t);
    const plan = await world.plan('nightly');
    const ask = async (type: 'db' | 'full') => {
      const asked = { plan, via: 'api' as const, requestedBy: null, atMs: world.clock.nowMs(), type };
      return (await world.catalog.transaction((trx) => requestBackup(trx, world.queue, asked))).job.id;
    };
    const old = await ask('db');
    await world.queue.cancel(old);
    const waiting = await ask('full');
    world.clock.advance(400 * DAY_MS);
    const fresh = await ask('db');
    const forgotten = await forgetOld(world.catalog, 399, world.clock.nowMs());
    assert.deepEqual(forgotten, { jobs: 1, triggers: 2, events: 0, drills: 0 });
    const left = (await world.queue.list({}, { limit: 10, after: null })).items.map(({ id }) => id);
    assert.deepEqual(left, [fresh, waiting]);
    assert.deepEqual(await world.queue.events(old, 0), []);
  });

  test('the last job of a table that is thinned stays, however old: it tells that its time was taken', async (t) => {
    const { queue, catalog, clock } = await serverWorld(place, t);
    const ask = async (table: string, slotAtMs: number) => {
      const about = `table-retention:shop:${table}`;
      const idempotencyKey = `${about}:${slotAtMs}`;
      const { job, created } = await queue.enqueue({
        ...{ kind: 'table-retention', payload: table, slotAtMs, singletonKey: about, idempotencyKey },
      });
      if (created) await queue.cancel(job.id);
      return { id: job.id, created };
    };
    await ask('audit', 1);
    clock.advance(1);
    const last = [await ask('audit', 2), await ask('events', 1)];
    clock.advance(400 * DAY_MS);
    assert.equal((await forgetOld(catalog, 399, clock.nowMs())).jobs, 1);
    const left = (await queue.list({}, { limit: 10, after: null })).items.map(({ id }) => id);
    assert.deepEqual(left.toSorted(), last.map(({ id }) => id).toSorted());
    assert.deepEqual(await ask('audit', 2), { id: last[0]!.id, created: false });
  });

  test('old drills go with their evidence; the last proof of each plan stays, however old', async (t) => {
    const world = await serverWorld(place, t);
    const { catalog } = world;
    const name = new Map<string, string>();
    const add = async (what: string, day: number, more: Partial<DrillsTable> = {}) => {
      const startedAtMs = START_MS + day * DAY_MS;
      const row: DrillsTable = {
        ...{
          id: newId(startedAtMs),
          job_id: null,
          plan_id: null,
          plan: 'nightly',
          tenant_id: null,
          backup_id: null,
        },
        ...{ via: null, requested_by: null, trial: 0, started_at: startedAtMs, finished_at: startedAtMs },
        ...{ result: 'green', recovery_ms: 1, data_age_ms: 1, checks: 1, red_checks: 0, failure: null },
        ...{ fingerprint: null, evidence_sha256: null, stored_at: '[]', not_stored: '[]', ...more },
      };
      name.set(row.id, what);
      await catalog.db.insertInto('drills').values(row).execute();
      const evidence = { drill_id: row.id, document: '{}', page: '' };
      await catalog.db.insertInto('drill_evidence').values(evidence).execute();
    };
    await add('old', 0);
    await add('proof', 1);
    await add('old red', 2, { result: 'red' });
    await add('last, red', 3, { result: 'red' });
    await add('trial', 4, { trial: 1 });
    await add('of no plan', 5, { plan: null });
    await add('of a tenant', 0, { tenant_id: 'acme' });
    await add('recent, of the tenant', 600, { tenant_id: 'acme', result: 'red' });
    await add('recent trial', 600, { trial: 1 });
    world.clock.advance(START_MS + 700 * DAY_MS - world.clock.nowMs());
    const left = async (table: 'drills' | 'drill_evidence') =>
      (
        await catalog.db
          .selectFrom(table)
          .select(table === 'drills' ? 'id' : 'drill_id as id')
          .execute()
      )
        .map(({ id }) => name.get(id))
        .toSorted();
    await forgetHistory(catalog);
    assert.equal((await left('drills')).length, 9, 'two years are kept unless somebody says otherwise');
    await changeSettings(catalog.db, null, { 'history.days': null }, world.author());
    await forgetHistory(catalog);
    assert.equal((await left('drills')).length, 9);
    await changeSettings(catalog.db, null, { 'history.days': 365 }, world.author());
    await forgetHistory(catalog);
    const stays = ['last, red', 'of a tenant', 'proof', 'recent trial', 'recent, of the tenant'];
    assert.deepEqual([await left('drills'), await left('drill_evidence')], [stays, stays]);
  });

  test('the catalog is backed up by a plan of its own, which stays as somebody changes it', async (t) => {
    const world = await serverWorld(place, t);
    const ensure = () =>
      world.catalog.transaction((trx) => ensureOwnPlan(trx, { file: '/srv/catalog.db' }, world.author()));
    const made = await ensure();
    assert.deepEqual(made?.body.sources, ['holdfast-catalog']);
    const { sources } = await storedConfig(world.catalog.db);
    assert.deepEqual(sources['holdfast-catalog'], { kind: 'sqlite', path: '/srv/catalog.db' });
    await world.plan('holdfast-catalog', { sources: ['holdfast-catalog'], enabled: false }, made!.version);
    assert.equal((await ensure())?.body.enabled, false);
  });
}
