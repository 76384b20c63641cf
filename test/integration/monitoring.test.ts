import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, type TestContext, test } from 'node:test';
import { DAY_MS, HOUR_MS, MINUTE_MS, newId } from '../../src/engine/index.ts';
import { recordEvent } from '../../src/server/catalog/events.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { METRIC_LIST, openMetrics } from '../../src/server/monitoring/metrics.ts';
import { openMonitoring } from '../../src/server/monitoring/monitoring.ts';
import { planHealth } from '../../src/server/monitoring/plan-health.ts';
import { ageLimitMs, runIntervalMs } from '../../src/server/monitoring/run-interval.ts';
import { tenantHealth } from '../../src/server/monitoring/tenant-health.ts';
import { openNotices } from '../../src/server/notices/notices.ts';
import { publicOnly } from '../../src/server/outbound/index.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { ensurePromtool } from '../support/ensure-promtool.ts';
import { type ServerWorld, serverWorld } from '../support/server-world.ts';

let promtool = '';
before(() => {
  promtool = ensurePromtool();
});

interface Made {
  readonly plan: string;
  readonly agoMs: number;
  readonly part?: string | null;
  readonly tenantId?: string | null;
  readonly status?: 'succeeded' | 'incomplete';
  readonly archived?: boolean;
}

async function addBackup({ catalog, clock }: ServerWorld, made: Made): Promise<string> {
  const atMs = clock.nowMs() - made.agoMs;
  const id = newId(atMs);
  await catalog.db
    .insertInto('backups')
    .values({
      ...{ id, plan: made.plan, plan_id: null, part: made.part ?? null, tenant_id: made.tenantId ?? null },
      ...{ type: 'db', status: made.status ?? 'succeeded', started_at: atMs, finished_at: atMs + 90_000 },
      ...{ size_bytes: 5_000_000, stored_bytes: 120_000, artifacts: null, held: 0, job_id: null },
      archived_at: made.archived ? atMs : null,
    })
    .execute();
  return id;
}

async function addDrill(
  catalog: Catalog,
  plan: string,
  atMs: number,
  result: 'green' | 'red',
  { trial = 0, tenantId = null }: { trial?: 0 | 1; tenantId?: string | null } = {},
): Promise<void> {
  await catalog.db
    .insertInto('drills')
    .values({
      ...{ id: newId(atMs), backup_id: newId(atMs), plan_id: null, plan, tenant_id: tenantId, job_id: null },
      ...{ started_at: atMs, finished_at: atMs + 42_000, recovery_ms: 42_000, data_age_ms: HOUR_MS },
      ...{ via: null, requested_by: null, trial, result, checks: 1, red_checks: 0, failure: null },
      ...{ fingerprint: null, evidence_sha256: null, stored_at: '[]', not_stored: '[]' },
    })
    .execute();
}

const healthOf = async ({ catalog }: ServerWorld, plan: string, part: string | null = null) =>
  (await planHealth(catalog)).find((one) => one.plan === plan && one.part === part)!;

function healthSuite(place: CatalogPlace): void {
  test('a plan is healthy until its last good backup is too old for its schedule', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('hourly', { schedule: '0 * * * *' });
    await world.plan('daily', { schedule: '0 3 * * *' });
    await world.plan('weekly', {});
    await world.plan('by-hand', { schedule: null });
    await world.plan('off', { enabled: false });
    assert.deepEqual(
      (await planHealth(world.catalog)).map(({ plan, status }) => [plan, status]),
      [
        ['by-hand', 'warning'],
        ['daily', 'warning'],
        ['hourly', 'warning'],
        ['off', 'healthy'],
        ['weekly', 'warning'],
      ],
    );
    for (const plan of ['hourly', 'daily', 'weekly', 'by-hand']) await addBackup(world, { plan, agoMs: 0 });
    const healthyFor = async (plan: string, limitMs: number) => {
      const one = await healthOf(world, plan);
      assert.equal(one.limitMs, limitMs, plan);
      world.clock.jump(limitMs);
      assert.equal((await healthOf(world, plan)).status, 'healthy', plan);
      world.clock.jump(1);
      assert.equal((await healthOf(world, plan)).status, 'warning', plan);
      world.clock.jump(-limitMs - 1);
    };
    await healthyFor('hourly', 2 * HOUR_MS);
    await healthyFor('daily', 30 * HOUR_MS);
    await healthyFor('weekly', 192 * HOUR_MS);
    await healthyFor('by-hand', 192 * HOUR_MS);
  });

  test('only whole, unarchived backups of the right part count, and none from the future', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('daily', {
      schedule: '0 3 * * *',
      sources: ['app', 'results'],
      databases: { results: { hour: 2 } },
    });
    await addBackup(world, { plan: 'daily', agoMs: HOUR_MS, status: 'incomplete' });
    await addBackup(world, { plan: 'daily', agoMs: HOUR_MS, archived: true });
    await addBackup(world, { plan: 'daily', agoMs: -DAY_MS });
    await addBackup(world, { plan: 'daily', agoMs: 2 * HOUR_MS, part: 'results' });
    assert.equal((await healthOf(world, 'daily')).last, null);
    assert.equal((await healthOf(world, 'daily', 'results')).ageMs, 2 * HOUR_MS);
    const id = await addBackup(world, { plan: 'daily', agoMs: 3 * HOUR_MS });
    await addBackup(world, { plan: 'daily', agoMs: 4 * HOUR_MS });
    const { last, ageMs } = await healthOf(world, 'daily');
    assert.deepEqual([last!.id, ageMs], [id, 3 * HOUR_MS]);
    // A clock that is a little ahead is no reason to doubt.
    const ahead = await addBackup(world, { plan: 'daily', agoMs: -MINUTE_MS });
    assert.deepEqual(
      [(await healthOf(world, 'daily')).last!.id, (await healthOf(world, 'daily')).ageMs],
      [ahead, 0],
    );
  });

  test('tenants: the newest good backup, the worst status, the last proof; nobody sees others', async (t) => {
    const world = await serverWorld(place, t);
    await world.plan('a', { schedule: '0 3 * * *', tenantId: 't1' });
    await world.plan('b', { schedule: '0 * * * *', tenantId: 't1' });
    await world.plan('c', { schedule: '0 3 * * *' });
    await addBackup(world, { plan: 'a', agoMs: 5 * HOUR_MS, tenantId: 't1' });
    const newest = await addBackup(world, { plan: 'b', agoMs: 90 * MINUTE_MS, tenantId: 't1' });
    await addDrill(world.catalog, 'a', world.clock.nowMs() - 50 * HOUR_MS, 'green', { tenantId: 't1' });
    await addDrill(world.catalog, 'a', world.clock.nowMs() - 10 * HOUR_MS, 'red', { tenantId: 't1' });
    // Another tenant had a plan of this name once.
    await addDrill(world.catalog, 'b', world.clock.nowMs() - HOUR_MS, 'red', { tenantId: 'former' });
    const all = await tenantHealth(world.catalog, null);
    assert.deepEqual([all.status, all.tenants.length], ['warning', 2]);
    const { tenants, status } = await tenantHealth(world.catalog, ['t1']);
    assert.equal(status, 'warning');
    const [t1, ...others] = tenants;
    assert.equal(others.length, 0);
    assert.equal(t1!.message, 'a: the last restore drill is red');
    assert.deepEqual(
      t1!.plans.map((one) => [one.plan, one.status, one.last_drill_result]),
      [
        ['a', 'warning', 'red'],
        ['b', 'healthy', null],
      ],
    );
    assert.deepEqual(
      [
        t1!.tenant_id,
        t1!.last_good_backup_id,
        t1!.age_hours,
        t1!.frequency_hours,
        t1!.hours_since_proven_restore,
      ],
      ['t1', newest, 1.5, 1, 50],
    );
    // A trial says nothing about the plan.
    await addDrill(world.catalog, 'a', world.clock.nowMs() - HOUR_MS, 'green', { tenantId: 't1', trial: 1 });
    const tried = (await tenantHealth(world.catalog, ['t1'])).tenants[0]!;
    assert.deepEqual([tried.status, tried.hours_since_proven_restore], ['warning', 50]);
    await addDrill(world.catalog, 'a', world.clock.nowMs() - MINUTE_MS, 'green', { tenantId: 't1' });
    const proven = (await tenantHealth(world.catalog, ['t1'])).tenants[0]!;
    assert.deepEqual([proven.status, proven.hours_since_proven_restore], ['healthy', 0]);
    world.clock.advance(HOUR_MS);
    const later = (await tenantHealth(world.catalog, ['t1'])).tenants[0]!;
    assert.match(later.message, /^b: the last good backup is 2\.5 hours old, 2 are allowed$/);
  });
}

const sampleOf = (text: string, series: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
    ?.split(' ')
    .at(-1);

function metricsSuite(place: CatalogPlace): void {
  test('metrics say what the catalog holds, and promtool has nothing to complain about', async (t) => {
    const world = await busyWorld(place, t);
    const { body, contentType } = await openMetrics(world.catalog, '1.2.3')();
    assert.match(contentType, /^text\/plain; version=0\.0\.4/);
    const check = spawnSync(promtool, ['check', 'metrics'], { input: body, encoding: 'utf8' });
    assert.deepEqual([check.status, check.stdout, check.stderr], [0, '', '']);
    const nowSeconds = world.clock.nowMs() / 1000;
    for (const [series, value] of [
      ['holdfast_build_info{version="1.2.3"}', '1'],
      ['holdfast_backup_healthy{tenant="",plan="old",part=""}', '0'],
      ['holdfast_backup_healthy{tenant="",plan="daily",part=""}', '1'],
      [
        'holdfast_backup_last_success_timestamp_seconds{tenant="",plan="daily",part=""}',
        String(nowSeconds - 3600),
      ],
      ['holdfast_backup_last_duration_seconds{tenant="",plan="daily",part=""}', '90'],
      ['holdfast_backup_last_size_bytes{tenant="",plan="daily",part=""}', '5000000'],
      ['holdfast_backup_interval_seconds{tenant="",plan="daily",part=""}', '86400'],
      ['holdfast_drill_last_success{tenant="",plan="daily"}', '0'],
      ['holdfast_drill_recovery_seconds{tenant="",plan="daily"}', '42'],
      [
        'holdfast_restore_last_proven_timestamp_seconds{tenant="",plan="daily",part=""}',
        String((world.clock.nowMs() - DAY_MS + 42_000) / 1000),
      ],
      ['holdfast_events_total{event="backup_failed",tenant="",plan="daily"}', '2'],
      ['holdfast_events_total{event="backup_skipped",tenant="",plan="daily"}', '0'],
      ['holdfast_jobs{kind="verify",status="queued"}', '1'],
      ['holdfast_job_longest_wait_seconds', '120'],
      ['holdfast_workers', '0'],
      ['holdfast_copies_missing{destination="main"}', '1'],
      ['holdfast_notices_waiting{channel="ops"}', '2'],
      ['holdfast_notices_given_up{channel="ops"}', '0'],
    ] as const) {
      assert.equal(sampleOf(body, series), value, series);
    }
    assert.ok(body.includes('process_cpu_seconds_total'));
    assert.equal(sampleOf(body, 'holdfast_drill_last_success{tenant="",plan="deleted"}'), undefined);
  });

  test('every metric of the catalog shows, with its help', async (t) => {
    const world = await busyWorld(place, t);
    const { body } = await openMetrics(world.catalog, '1')();
    for (const { name, kind } of METRIC_LIST) {
      assert.match(body, new RegExp(`^# TYPE ${name} ${kind}$`, 'm'));
      assert.match(body, new RegExp(`^${name}[{ ]`, 'm'), name);
    }
  });

  test('ready while the catalog answers, and not when it stops or is gone', async (t) => {
    const catalog = await place.open(t);
    const monitoring = openMonitoring(catalog, '1');
    assert.deepEqual(await monitoring.healthz(), { ok: true, body: { status: 'ok' } });
    assert.deepEqual(await monitoring.readyz(), { ok: true, body: { status: 'ok' } });
    monitoring.stop();
    assert.equal((await monitoring.readyz()).ok, false);
    const gone = openMonitoring(catalog, '1');
    await catalog.close();
    assert.deepEqual(await gone.readyz(), { ok: false, body: { status: 'the catalog does not answer' } });
    assert.equal((await gone.healthz()).ok, true);
  });
}

/** One of everything that metrics speak of. */
async function busyWorld(place: CatalogPlace, t: TestContext): Promise<ServerWorld> {
  const world = await serverWorld(place, t);
  const { catalog, clock } = world;
  await world.plan('daily', { schedule: '0 3 * * *' });
  await world.plan('old', { schedule: '0 3 * * *' });
  await addBackup(world, { plan: 'old', agoMs: 40 * HOUR_MS });
  const id = await addBackup(world, { plan: 'daily', agoMs: HOUR_MS });
  const main = await catalog.db
    .selectFrom('documents')
    .select('id')
    .where('kind', '=', 'destination')
    .executeTakeFirstOrThrow();
  await catalog.db
    .insertInto('backup_copies')
    .values({
      ...{ backup_id: id, destination_id: main.id, state: 'missing', seen_at: 1, copied_at: null },
      ...{ verified_at: null, verified_good: null, error: null },
    })
    .execute();
  await addDrill(catalog, 'daily', clock.nowMs() - DAY_MS, 'green');
  await addDrill(catalog, 'daily', clock.nowMs() - HOUR_MS, 'red');
  await addDrill(catalog, 'deleted', clock.nowMs() - HOUR_MS, 'red');
  await world.queue.enqueue({ kind: 'verify', payload: {}, runAfterMs: clock.nowMs() - 120_000 });
  const { writeDocument } = await import('../../src/server/configuration/documents.ts');
  await catalog.transaction(async (trx) => {
    const body = { kind: 'ping', url: 'https://127.0.0.1/x' };
    await writeDocument(trx, { kind: 'channel', name: 'ops', body, replaces: null }, world.author());
    for (let i = 0; i < 2; i += 1) {
      await recordEvent(trx, {
        kind: 'backup_failed',
        atMs: clock.nowMs(),
        tenantId: null,
        plan: 'daily',
        data: {},
      });
    }
  });
  const notices = openNotices({
    ...{
      catalog,
      secrets: { environment: {}, folder: '/' },
      outbound: { policy: publicOnly },
      publicUrl: null,
    },
    onError: (error) => assert.fail(error as Error),
  });
  await notices.tick();
  return world;
}

onEachCatalog('monitoring', (place) => {
  healthSuite(place);
  metricsSuite(place);
});

test('promtool complains about metrics that are not right (control)', () => {
  const wrong = '# TYPE holdfast_backups_total gauge\nholdfast_backups_total 1\n';
  const check = spawnSync(promtool, ['check', 'metrics'], { input: wrong, encoding: 'utf8' });
  assert.notEqual(check.status, 0);
});

test('intervals: the longest gap counts, such as a weekend', () => {
  const nowMs = Date.parse('2026-11-18T10:00:00Z');
  const hours = (cron: string, zone = 'UTC') => runIntervalMs(cron, zone, nowMs)! / HOUR_MS;
  assert.equal(hours('0 3 * * 1-5'), 72);
  assert.equal(hours('0 3,15 * * *'), 12);
  assert.equal(hours('0 2,3 * * *'), 23);
  assert.equal(hours('0 3 * * 1'), 168);
  assert.equal(hours('30 2 * * *', 'Europe/Berlin'), 24);
  assert.equal(ageLimitMs(72 * HOUR_MS, 1000), 90 * HOUR_MS);
  assert.equal(ageLimitMs(null, 10), 10 * HOUR_MS);
  assert.equal(ageLimitMs(72 * HOUR_MS, 10), 10 * HOUR_MS);
});
