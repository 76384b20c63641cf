import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeSettings } from '../../src/server/configuration/settings.ts';
import { archiveTenant, createTenant } from '../../src/server/configuration/tenants.ts';
import { syncAllSchedules } from '../../src/server/schedule/schedule.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { type ServerWorld, serverWorld } from '../support/server-world.ts';
import { untilTrue } from '../support/until-true.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

const jobs = async ({ queue }: ServerWorld) => (await queue.list({}, { limit: 200, after: null })).items;
const events = ({ catalog }: ServerWorld) =>
  catalog.db.selectFrom('events').selectAll().orderBy('id').execute();
/** Lets time pass up to this moment. */
const passTo = ({ clock }: ServerWorld, text: string) => clock.advance(Date.parse(text) - clock.nowMs());

onEachCatalog('schedule', (place) => {
  slots(place);
  late(place);
  switches(place);
});

function slots(place: CatalogPlace): void {
  test('without a word about it a plan runs on Monday at 03:00 UTC, and the next runs are listed', async (t) => {
    const world = await serverWorld(place, t);
    const plan = await world.plan('nightly');
    await world.plan('often', { schedule: '0 */12 * * *', timeZone: 'Europe/Berlin', tenantId: 'acme' });
    const next = await world.schedule.upcoming({ limit: 5 });
    assert.deepEqual(
      next.map((run) => [run.plan, iso(run.slotAtMs)]),
      [
        ['often', '2026-11-21T11:00:00.000Z'],
        ['often', '2026-11-21T23:00:00.000Z'],
        ['often', '2026-11-22T11:00:00.000Z'],
        ['often', '2026-11-22T23:00:00.000Z'],
        ['nightly', '2026-11-23T03:00:00.000Z'],
      ],
    );
    const listed = (await world.schedule.upcoming({ limit: 3, eachOnce: true })).map((run) => run.plan);
    assert.deepEqual(listed, ['often', 'often', 'often', 'nightly'], 'what runs often hides nothing');
    const own = await world.schedule.upcoming({ limit: 2, planId: plan.id });
    assert.deepEqual(
      own.map(({ slotAtMs }) => iso(slotAtMs)),
      ['2026-11-23T03:00:00.000Z', '2026-11-30T03:00:00.000Z'],
    );
    assert.equal(
      (await world.schedule.upcoming({ limit: 9, tenantId: 'acme' })).every(({ plan }) => plan === 'often'),
      true,
    );
  });

  test('a slot becomes one job, with whom it is for and when it was meant', async (t) => {
    const world = await serverWorld(place, t);
    const plan = await world.plan('nightly', { tenantId: 'acme', label: 'dmz', hangingAfterMinutes: 10 });
    assert.deepEqual((await world.schedule.tick()).enqueued, []);
    passTo(world, '2026-11-23T03:00:00Z');
    const { enqueued, nextDueAtMs } = await world.schedule.tick();
    assert.equal(iso(nextDueAtMs), '2026-11-30T03:00:00.000Z');
    assert.deepEqual((await world.schedule.tick()).enqueued, []);
    const [job, ...others] = await jobs(world);
    assert.deepEqual(others, []);
    assert.deepEqual(enqueued, [job?.id]);
    assert.deepEqual(
      [job?.kind, job?.plan, job?.planId, job?.tenantId, job?.label, iso(job?.slotAtMs ?? null)],
      ['backup', 'nightly', plan.id, 'acme', 'dmz', '2026-11-23T03:00:00.000Z'],
    );
    const [trigger] = await world.catalog.db.selectFrom('triggers').selectAll().execute();
    assert.deepEqual([trigger?.via, trigger?.outcome, trigger?.job_id], ['schedule', 'accepted', job?.id]);
    assert.deepEqual(await events(world), []);
  });

  test('two servers enqueue every slot exactly once', async (t) => {
    const world = await serverWorld(place, t);
    const second = await world.another();
    for (let i = 0; i < 60; i += 1) await world.plan(`plan-${i}`, { schedule: '0 3 * * *' });
    for (const day of ['22', '23']) {
      passTo(world, `2026-11-${day}T03:00:00Z`);
      const servers = [world, second, world, second];
      const reports = await Promise.all(servers.map(({ schedule }) => schedule.tick()));
      const enqueued = reports.flatMap((report) => report.enqueued);
      assert.equal(enqueued.length, 60);
      for (const id of enqueued) await world.queue.cancel(id);
    }
    const slots = (await jobs(world)).map(({ plan, slotAtMs }) => `${plan} ${slotAtMs}`);
    assert.deepEqual([slots.length, new Set(slots).size], [120, 120]);
  });

  test('of many plans due together each tenant has one enqueued before any has all of its own', async (t) => {
    const world = await serverWorld(place, t);
    for (let i = 0; i < 27; i += 1) await world.plan(`big-${i}`, { schedule: '0 3 * * *', tenantId: 'acme' });
    await world.plan('own', { schedule: '0 3 * * *' });
    passTo(world, '2026-11-22T03:00:00Z');
    const { enqueued } = await world.schedule.tick();
    const made = await Promise.all(enqueued.map(async (id) => (await world.queue.get(id))!.plan));
    assert.equal(made.length, 28);
    // Plans are enqueued 25 at a time, and the one of no tenant was made last.
    assert.ok(made.indexOf('own') < 25, `it is number ${made.indexOf('own')}`);
  });

  test('jitter spreads plans that are due together, the same way on every server', async (t) => {
    const world = await serverWorld(place, t);
    const second = await world.another();
    for (let i = 0; i < 20; i += 1)
      await world.plan(`plan-${i}`, { schedule: '0 3 * * *', jitterSeconds: 3600 });
    const runs = await world.schedule.upcoming({ limit: 20 });
    const slotMs = Date.parse('2026-11-22T03:00:00Z');
    assert.ok(
      runs.every(
        ({ slotAtMs, dueAtMs }) => slotAtMs === slotMs && dueAtMs >= slotMs && dueAtMs < slotMs + 3_600_000,
      ),
    );
    // Ids are random: 20 plans all fall into two of six parts once in two hundred million times.
    assert.ok(new Set(runs.map(({ dueAtMs }) => Math.floor((dueAtMs - slotMs) / 600_000))).size >= 3);
    assert.deepEqual(await second.schedule.upcoming({ limit: 20 }), runs);
    passTo(world, new Date(runs[5]!.dueAtMs).toISOString());
    assert.equal((await world.schedule.tick()).enqueued.length, 6);
    passTo(world, '2026-11-22T04:00:00Z');
    assert.equal((await world.schedule.tick()).enqueued.length, 14);
  });
}

function late(place: CatalogPlace): void {
  test('runs that were missed are made good once, and told', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('hourly', { schedule: '0 * * * *' });
    passTo(world, '2026-11-24T08:20:00Z');
    assert.equal((await world.schedule.tick()).enqueued.length, 1);
    const [job] = await jobs(world);
    assert.equal(iso(job!.slotAtMs), '2026-11-24T08:00:00.000Z');
    const [event, ...others] = await events(world);
    assert.deepEqual([event?.kind, event?.plan, others.length], ['run_missed', 'hourly', 0]);
    const data = JSON.parse(event!.data);
    assert.deepEqual(
      [iso(data.firstSlotAtMs), iso(data.caughtUpSlotAtMs)],
      ['2026-11-21T11:00:00.000Z', '2026-11-24T08:00:00.000Z'],
    );
    assert.equal(iso((await world.schedule.tick()).nextDueAtMs), '2026-11-24T09:00:00.000Z');
  });

  test('a slot whose run before is not done is passed over, and told', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('hourly', { schedule: '0 * * * *' });
    passTo(world, '2026-11-21T11:00:00Z');
    await world.schedule.tick();
    passTo(world, '2026-11-21T12:00:00Z');
    assert.deepEqual((await world.schedule.tick()).enqueued, []);
    assert.equal((await jobs(world)).length, 1);
    assert.deepEqual(
      (await events(world)).map(({ kind }) => kind),
      ['run_overlapped'],
    );
    const triggers = await world.catalog.db.selectFrom('triggers').select('outcome').orderBy('id').execute();
    assert.deepEqual(
      triggers.map(({ outcome }) => outcome),
      ['accepted', 'duplicate'],
    );
  });

  test('a run that hangs and one that does not begin are each told once, with the reason', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('hangs', { schedule: '0 3 * * *', hangingAfterMinutes: 30 });
    await world.plan('waits', { schedule: '0 3 * * *', label: 'elsewhere' });
    passTo(world, '2026-11-22T03:00:00Z');
    await world.schedule.tick();
    const gate = Promise.withResolvers<void>();
    const worker = world.queue.work({
      handle: async () => {
        await gate.promise;
        return { status: 'succeeded', result: null };
      },
    });
    t.after(async () => {
      gate.resolve();
      await worker.stop();
    });
    const hanging = (await jobs(world)).find(({ plan }) => plan === 'hangs')!;
    await untilTrue(async () => (await world.queue.get(hanging.id))?.status === 'running');
    assert.deepEqual((await world.schedule.tick()).overdue, []);
    // As if the lease had been renewed all the time, which the clock of this test does not see.
    const keepLease = () =>
      world.catalog.db
        .updateTable('jobs')
        .set({ lease_until: world.clock.nowMs() + DAY_MS })
        .where('status', '=', 'running')
        .execute();
    await keepLease();
    world.clock.advance(61 * MINUTE_MS);
    await keepLease();
    assert.equal((await world.schedule.tick()).overdue.length, 2);
    assert.deepEqual((await world.schedule.tick()).overdue, []);
    const told = (await events(world)).map(({ kind, plan, data }) => [
      kind,
      plan,
      JSON.parse(data).reason ?? null,
    ]);
    assert.deepEqual(told.toSorted(), [
      ['run_hanging', 'hangs', null],
      ['run_not_started', 'waits', 'no worker'],
    ]);
  });

  test('a tenant says by itself how long a run may wait to begin', async (t) => {
    const world = await serverWorld(place, t);
    await world.catalog.transaction(async (trx) => {
      await changeSettings(trx, 'quick', { 'runs.neverStartedAfterMinutes': 10 }, world.author());
      await changeSettings(trx, 'slow', { 'runs.neverStartedAfterMinutes': 120 }, world.author());
    });
    for (const tenantId of ['quick', 'slow', 'other', null]) {
      await world.queue.enqueue({ kind: 'verify', plan: `of ${tenantId}`, tenantId, payload: {} });
    }
    const toldAfter = async (minutes: number) => {
      world.clock.advance(minutes * MINUTE_MS);
      const told = new Set((await world.schedule.tick()).overdue);
      return (await jobs(world)).filter(({ id }) => told.has(id)).map(({ plan }) => plan);
    };
    assert.deepEqual(await toldAfter(11), ['of quick']);
    assert.deepEqual((await toldAfter(50)).toSorted(), ['of null', 'of other']);
    assert.deepEqual(await toldAfter(60), ['of slow']);
  });

  test('a started schedule enqueues by itself when a slot comes', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('soon', { schedule: '0 3 * * *' });
    world.schedule.start();
    passTo(world, '2026-11-22T03:00:00Z');
    world.schedule.wake();
    await untilTrue(async () => (await jobs(world)).length === 1);
  });
}

function switches(place: CatalogPlace): void {
  test('databases of a plan have their own hour and switch; the rest keeps the schedule of the plan', async (t) => {
    const world = await serverWorld(place, t);
    const databases = { app: { hour: 2, retentionDays: 30 }, results: { hour: 3, retentionDays: 7 } };
    const body = { sources: ['app', 'results', 'uploads'], schedule: '0 5 * * *', databases };
    const { version } = await world.plan('whole', body);
    passTo(world, '2026-11-22T06:00:00Z');
    await world.schedule.tick();
    const made = (await jobs(world)).map(({ part, slotAtMs, payload }) => [
      part,
      iso(slotAtMs)?.slice(11, 16),
      payload,
    ]);
    const payload = { plan: 'whole', withoutParts: false, type: null };
    assert.deepEqual(
      made.toSorted(),
      [
        [null, '05:00', { ...payload, part: null, withoutParts: true }],
        ['app', '02:00', { ...payload, part: 'app' }],
        ['results', '03:00', { ...payload, part: 'results' }],
      ].toSorted(),
    );
    await world.plan(
      'whole',
      { ...body, databases: { ...databases, results: { hour: 3, enabled: false } } },
      version,
    );
    const parts = (await world.schedule.upcoming({ limit: 9 })).map(({ part }) => part);
    assert.deepEqual([...new Set(parts)].toSorted(), ['app', null].toSorted());
  });

  test('what was switched off does not start, and starts at its next time when it is on again', async (t) => {
    const world = await serverWorld(place, t);
    let { version } = await world.plan('nightly', {
      schedule: '0 3 * * *',
      tenantId: 'acme',
      enabled: false,
    });
    const never = await world.plan('by-hand', { schedule: null });
    passTo(world, '2026-11-25T12:00:00Z');
    assert.deepEqual((await world.schedule.tick()).enqueued, []);
    ({ version } = await world.plan('nightly', { schedule: '0 3 * * *', tenantId: 'acme' }, version));
    assert.deepEqual((await world.schedule.tick()).enqueued, []);
    assert.equal(iso((await world.schedule.tick()).nextDueAtMs), '2026-11-26T03:00:00.000Z');
    await world.catalog.transaction(async (trx) => {
      await createTenant(trx, { id: 'acme', name: 'Acme' }, world.author());
      await archiveTenant(trx, 'acme', world.author());
    });
    assert.equal((await world.schedule.tick()).nextDueAtMs, null);
    assert.deepEqual(await world.schedule.upcoming({ limit: 3, planId: never.id }), []);
  });

  test('a changed setting moves the plans that inherit it, and only those', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('inherits');
    await world.plan('of-tenant', { tenantId: 'acme' });
    await world.plan('own', { schedule: '0 7 * * *' });
    await world.catalog.transaction(async (trx) => {
      await changeSettings(trx, null, { 'schedule.cron': '0 4 * * *' }, world.author());
      await changeSettings(trx, 'acme', { 'schedule.cron': '0 5 * * *' }, world.author());
      await syncAllSchedules(trx, world.clock.nowMs());
    });
    const next = await world.schedule.upcoming({ limit: 3 });
    assert.deepEqual(
      next.map(({ plan, slotAtMs }) => [plan, iso(slotAtMs)?.slice(11, 16)]),
      [
        ['inherits', '04:00'],
        ['of-tenant', '05:00'],
        ['own', '07:00'],
      ],
    );
  });
}
