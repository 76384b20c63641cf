/** When drills come: at times of their own and after backups, each once; what is told when they do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeSettings } from '../../src/server/configuration/settings.ts';
import { drillPlans } from '../../src/server/history/drill-plans.ts';
import { listDrills } from '../../src/server/history/drills.ts';
import { noticeOf } from '../../src/server/notices/notice.ts';
import { requestDrill } from '../../src/server/runs/request-drill.ts';
import { countBackup } from '../../src/server/schedule/drill-slots.ts';
import { syncAllSchedules } from '../../src/server/schedule/schedule.ts';
import { recordEnd } from '../../src/server/worker/job-ended.ts';
import type { DrillPayload } from '../../src/server/worker/port.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { type ServerWorld, serverWorld } from '../support/server-world.ts';

const drills = async ({ queue }: ServerWorld) =>
  (await queue.list({ kind: 'drill' }, { limit: 200, after: null })).items;
const events = async ({ catalog }: ServerWorld) =>
  (await catalog.db.selectFrom('events').selectAll().orderBy('kind').execute()).map((row) => ({
    kind: row.kind,
    message: noticeOf(row).payload.message,
  }));
const passTo = ({ clock }: ServerWorld, text: string) => clock.advance(Date.parse(text) - clock.nowMs());
/** No backups besides. */
const ONLY_DRILLS = { schedule: null };
const standing = async ({ catalog }: ServerWorld, plan: string) =>
  (await drillPlans(catalog)).find((one) => one.plan === plan)!;

onEachCatalog('drill schedule', (place) => {
  times(place);
  entries(place);
  lost(place);
});

function times(place: CatalogPlace): void {
  test('the next runs name drills among backups, in order of time, and only of the tenants that are asked for', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('a', { schedule: '0 3 1 * *', drill: { schedule: 'monthly' }, tenantId: 'acme' });
    await world.plan('b', { ...ONLY_DRILLS, drill: { schedule: '0 2 1 * *' } });
    await world.plan('c', { ...ONLY_DRILLS, drill: { afterBackups: 3 } });
    const next = async (request: object) =>
      (await world.schedule.upcoming({ limit: 4, ...request })).map(
        ({ kind, plan, part, slotAtMs }) =>
          `${kind} ${plan} ${part} ${new Date(slotAtMs).toISOString().slice(0, 13)}`,
      );
    const backup = 'backup a null 2026-12-01T03';
    const drill = 'drill a null 2026-12-01T04';
    assert.deepEqual(await next({}), [
      'drill b null 2026-12-01T02',
      backup,
      drill,
      'drill b null 2027-01-01T02',
    ]);
    const acme = [backup, drill, 'backup a null 2027-01-01T03', 'drill a null 2027-01-01T04'];
    assert.deepEqual(await next({ tenantId: 'acme' }), acme);
    assert.deepEqual(await next({ tenants: ['acme', 'rival'] }), acme);
    assert.deepEqual(await next({ tenants: [] }), []);
    assert.deepEqual((await next({ tenantId: null })).length, 4);
  });

  test('monthly, quarterly and by cron in a time zone; one job for each, whoever finds it', async (t) => {
    const world = await serverWorld(place, t);
    const second = await world.another();
    await world.plan('m', { ...ONLY_DRILLS, drill: { schedule: 'monthly' }, tenantId: 'acme', label: 'dmz' });
    await world.plan('q', { ...ONLY_DRILLS, drill: { schedule: 'quarterly' } });
    await world.plan('c', { ...ONLY_DRILLS, timeZone: 'Europe/Berlin', drill: { schedule: '30 6 * * 1' } });
    const due = async () =>
      Object.fromEntries(
        (await drillPlans(world.catalog)).map((one) => [one.plan, new Date(one.nextDueAtMs!).toISOString()]),
      );
    assert.deepEqual(await due(), {
      m: '2026-12-01T04:00:00.000Z',
      q: '2027-01-01T04:00:00.000Z',
      c: '2026-11-23T05:30:00.000Z',
    });
    passTo(world, '2026-11-23T05:30:00Z');
    const servers = [world, second, world, second];
    const reports = await Promise.all(servers.map(({ schedule }) => schedule.tick()));
    assert.equal(reports.flatMap(({ enqueued }) => enqueued).length, 1);
    passTo(world, '2026-12-01T04:00:00Z');
    assert.equal((await world.schedule.tick()).enqueued.length, 1);
    const asked = (await drills(world)).map(({ plan, tenantId, label }) => [plan, tenantId, label]);
    // The second Monday finds the first still waiting: told, not queued twice.
    assert.deepEqual(asked, [
      ['m', 'acme', 'dmz'],
      ['c', null, null],
    ]);
    assert.deepEqual(await events(world), [
      {
        kind: 'run_missed',
        message: 'the restore drill of plan c began 23 h late: nobody was there to start it in time',
      },
      {
        kind: 'run_not_started',
        message: 'the restore drill of plan c is due for 191 h and has not begun: no worker',
      },
      {
        kind: 'run_overlapped',
        message: 'the restore drill of plan c was due while the one before it was still at work',
      },
    ]);
  });

  test('one that waits is told, and one that nobody did is overdue', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('m', { ...ONLY_DRILLS, drill: { schedule: 'monthly' } });
    assert.equal((await standing(world, 'm')).isOverdue, false);
    passTo(world, '2026-12-01T04:00:00Z');
    await world.schedule.tick();
    passTo(world, '2026-12-01T05:30:00Z');
    await world.schedule.tick();
    assert.deepEqual(await events(world), [
      {
        kind: 'run_not_started',
        message: 'the restore drill of plan m is due for 90 min and has not begun: no worker',
      },
    ]);
    const [job] = await drills(world);
    await world.queue.cancel(job!.id);
    assert.equal((await standing(world, 'm')).isOverdue, false);
    passTo(world, '2026-12-02T05:00:00Z');
    assert.equal((await standing(world, 'm')).isOverdue, true);
    await world.schedule.tick();
    await world.schedule.tick();
    assert.deepEqual(
      (await events(world)).filter(({ kind }) => kind === 'drill_overdue').map(({ message }) => message),
      ['a restore drill of plan m was due 25 h ago, and none has ended since'],
    );
    // Nobody was there at all.
    passTo(world, '2027-01-03T05:00:00Z');
    assert.equal((await standing(world, 'm')).isOverdue, true);
  });
}

function entries(place: CatalogPlace): void {
  test('an entry follows its plan: times, count, switches, and its end', async (t) => {
    const world = await serverWorld(place, t);
    const { id } = await world.plan('p', { ...ONLY_DRILLS, drill: { schedule: 'monthly', afterBackups: 3 } });
    const count = () => world.catalog.transaction((trx) => countBackup(trx, world.queue, id));
    await count();
    await count();
    const before = await standing(world, 'p');
    assert.deepEqual([before.backupsSince, before.afterBackups], [2, 3]);
    await world.plan('p', { ...ONLY_DRILLS, drill: { schedule: 'quarterly', afterBackups: 3 } }, 1);
    const after = await standing(world, 'p');
    assert.deepEqual([after.backupsSince, after.schedule], [2, 'quarterly']);
    assert.notEqual(after.nextDueAtMs, before.nextDueAtMs);
    assert.deepEqual(await drills(world), []);
    await count();
    const [job, ...others] = await drills(world);
    assert.deepEqual(others, []);
    assert.deepEqual([job?.plan, (job!.payload as DrillPayload).via], ['p', 'after_backups']);
    assert.equal((await standing(world, 'p')).backupsSince, 0);

    const switchAll = (isOn: boolean) =>
      world.catalog.transaction(async (trx) => {
        await changeSettings(trx, null, { 'schedule.enabled': isOn }, world.author());
        await syncAllSchedules(trx, world.clock.nowMs());
      });
    await switchAll(false);
    assert.equal((await standing(world, 'p')).nextDueAtMs, null);
    for (let i = 0; i < 3; i += 1) await count();
    assert.equal((await standing(world, 'p')).backupsSince, 0);
    await switchAll(true);
    assert.equal((await standing(world, 'p')).nextDueAtMs, after.nextDueAtMs);
    await world.plan('p', { ...ONLY_DRILLS, drill: {} }, 2);
    const without = await standing(world, 'p');
    assert.deepEqual([without.schedule, without.nextDueAtMs, without.afterBackups], [null, null, null]);
  });

  test('what is no time of a drill, or no source of its plan, is refused', async (t) => {
    const world = await serverWorld(place, t);
    const refused = (drill: object, code: string, message: RegExp) =>
      assert.rejects(world.plan('p', { drill }), { code, message });
    await refused({ schedule: 'yearly' }, 'schedule_invalid', /"yearly" has 1 fields/);
    await refused({ schedule: '0 0 31 2 *' }, 'schedule_invalid', /never comes/);
    await refused({ mayBeEmpty: ['results'] }, 'config_invalid', /plan\.p\.drill: "results" is no source/);
    const check = { kind: 'sql', source: 'uploads', query: 'select 1', expect: 1 };
    await refused({ checks: [check] }, 'config_invalid', /"uploads" is no source/);
  });
}

function lost(place: CatalogPlace): void {
  test('a drill whose worker is lost again and again is red; a cancelled one is none', async (t) => {
    const world = await serverWorld(place, t);
    const plan = await world.plan('p', ONLY_DRILLS);
    const { catalog, queue } = world;
    const end = async (checks: [] | null, cancelRequestedAtMs: number | null) => {
      const asked = { plan, backup: null, checks, via: 'api' as const, requestedBy: 'op' };
      const { job } = await catalog.transaction((trx) => requestDrill(trx, queue, asked));
      const error = { code: 'worker_lost', message: 'the worker ended', next: 'see its log' };
      const atMs = world.clock.nowMs();
      const lost = { ...job, status: 'interrupted' as const, startedAtMs: atMs - 5000, finishedAtMs: atMs };
      await catalog.transaction((trx) => recordEnd(trx, { ...lost, cancelRequestedAtMs, error }));
      await queue.cancel(job.id);
    };
    const filter = { tenants: null };
    const found = async () => (await listDrills(catalog.db, filter, { limit: 10, after: null })).items;
    await end(null, world.clock.nowMs());
    assert.deepEqual([await found(), await events(world)], [[], []]);
    await end(null, null);
    const [drill] = await found();
    assert.deepEqual(
      [drill?.result, drill?.failure?.code, drill?.plan, drill?.evidenceSha256, drill?.requestedBy],
      ['red', 'worker_lost', 'p', null, 'op'],
    );
    assert.deepEqual(await events(world), [
      { kind: 'drill_failed', message: 'the restore drill of plan p is red: the worker ended' },
    ]);
    await end([], null);
    assert.deepEqual([(await found()).length, (await events(world)).length], [2, 1]);
  });
}
