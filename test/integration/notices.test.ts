import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { DELIVERY_HEADER, noticePayload, SIGNATURE_HEADER } from '../../src/contracts/notice-payload.ts';
import { ATTEMPT_MS, RETRY_SECONDS } from '../../src/server/notices/deliver.ts';
import { listAttempts, listDeliveries } from '../../src/server/notices/history.ts';
import { verifySignature } from '../../src/server/notices/signature.ts';
import { publicOnly } from '../../src/server/outbound/index.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { noticeReceiver } from '../support/notice-receiver.ts';
import { CHANNEL_SECRET, noticeWorld, SECRETS } from '../support/notice-world.ts';
import { openSqlitePlace } from '../support/sqlite-place.ts';
import { untilTrue } from '../support/until-true.ts';

const FAILED = {
  tenantId: '3b241101-e2bb-4255-8caf-4136c566a962',
  plan: 'nightly',
  data: { error: { code: 'source_missing', message: 'app.db does not exist', next: 'check its path' } },
};
const PAGE = { limit: 50, after: null };

function deliverySuite(place: CatalogPlace): void {
  test('a webhook gets exactly the promised payload, signed, once for each event', async (t) => {
    const { channel, event, notices, clock, catalog } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    await channel('ops', { kind: 'webhook', url: `${receiver.url}/hook`, secret: CHANNEL_SECRET });
    await event('backup_completed', {
      plan: 'nightly',
      backupId: '0193a2b0-0000-7000-8000-000000000001',
      data: { durationMs: 61_000 },
    });
    clock.advance(1000);
    await event('backup_failed', FAILED);
    await event('backup_started', { plan: 'nightly' });
    await notices.tick();
    await notices.tick();
    const [good, bad, ...more] = receiver.received;
    assert.equal(more.length, 0);
    assert.deepEqual(noticePayload.parse(JSON.parse(good!.body)), {
      event: 'backup_completed',
      tenant_id: null,
      backup_id: '0193a2b0-0000-7000-8000-000000000001',
      status: 'success',
      message: 'the backup of plan nightly succeeded in 61 s',
      timestamp: '2026-11-21T10:00:00.000Z',
    });
    assert.deepEqual(noticePayload.parse(JSON.parse(bad!.body)), {
      event: 'backup_completed',
      tenant_id: FAILED.tenantId,
      backup_id: null,
      status: 'failed',
      message: 'the backup of plan nightly failed: app.db does not exist',
      timestamp: '2026-11-21T10:00:01.000Z',
    });
    const header = good!.headers[SIGNATURE_HEADER.toLowerCase()] as string;
    assert.ok(verifySignature(SECRETS.HOOK_SECRET, header, good!.body, clock.nowMs()));
    // Control: a receiver that checks notices everything that is not as it was sent.
    assert.ok(!verifySignature('another-secret-of-somebody', header, good!.body, clock.nowMs()));
    assert.ok(!verifySignature(SECRETS.HOOK_SECRET, header, `${good!.body} `, clock.nowMs()));
    assert.ok(!verifySignature(SECRETS.HOOK_SECRET, header, good!.body, clock.nowMs() + 600_000));
    const later = header.replace(/t=\d+/, `t=${Math.floor(clock.nowMs() / 1000) + 600}`);
    assert.ok(!verifySignature(SECRETS.HOOK_SECRET, later, good!.body, clock.nowMs() + 600_000));
    assert.equal(good!.headers['content-type'], 'application/json');
    const { items } = await listDeliveries(catalog.db, {}, PAGE);
    assert.deepEqual(
      items.map(({ status, kind }) => [status, kind]),
      [
        ['delivered', 'backup_failed'],
        ['delivered', 'backup_completed'],
      ],
    );
    const counts = await catalog.db
      .selectFrom('event_counts')
      .select(['kind', 'count'])
      .orderBy('kind')
      .execute();
    assert.deepEqual(
      counts,
      ['backup_completed', 'backup_failed', 'backup_started'].map((kind) => ({ kind, count: 1 })),
    );
  });

  test('a receiver that fails is tried again, later and later, and what it said is kept', async (t) => {
    const { channel, event, notices, clock, catalog } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    receiver.answer = { status: 500 };
    await channel('ops', { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET });
    await event('backup_failed', FAILED);
    const gaps: number[] = [];
    await notices.tick();
    for (const [i, seconds] of RETRY_SECONDS.entries()) {
      clock.advance(seconds * 1000 - 1);
      await notices.tick();
      assert.equal(receiver.received.length, i + 1, 'not before its time');
      clock.advance(1);
      await notices.tick();
      gaps.push(seconds);
    }
    assert.equal(receiver.received.length, RETRY_SECONDS.length + 1);
    const ids = new Set(receiver.received.map(({ headers }) => headers[DELIVERY_HEADER.toLowerCase()]));
    assert.equal(ids.size, 1, 'every attempt carries the same id');
    clock.advance(100 * 3600 * 1000);
    await notices.tick();
    assert.equal(receiver.received.length, RETRY_SECONDS.length + 1, 'given up');
    const { items } = await listDeliveries(catalog.db, { status: 'failed' }, PAGE);
    assert.equal(items.length, 1);
    const attempts = await listAttempts(catalog.db, items[0]!.id);
    assert.equal(attempts.length, RETRY_SECONDS.length + 1);
    assert.ok(attempts.every(({ answer, error }) => answer === '500' && error === 'answered 500'));
  });
}

function answersSuite(place: CatalogPlace): void {
  test('Retry-After is heeded, 410 ends it, and a redirect is no success', async (t) => {
    const { channel, event, notices, clock, catalog } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    await channel('ops', { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET });
    receiver.answer = { status: 429, headers: { 'Retry-After': '120' } };
    await event('backup_failed', FAILED);
    await notices.tick();
    clock.advance(119_000);
    await notices.tick();
    assert.equal(receiver.received.length, 1);
    receiver.answer = { status: 302, headers: { Location: '/elsewhere' } };
    clock.advance(1000);
    await notices.tick();
    receiver.answer = { status: 410 };
    clock.advance(RETRY_SECONDS[1] * 1000);
    await notices.tick();
    clock.advance(10 * 24 * 3600 * 1000);
    await notices.tick();
    assert.deepEqual(
      receiver.received.map(({ path }) => path),
      ['/', '/', '/'],
    );
    const [delivery] = (await listDeliveries(catalog.db, { status: 'failed' }, PAGE)).items;
    assert.equal(delivery!.lastError, 'answered 410');
  });

  test('rules by event, plan and tenant; a channel of a tenant hears of nobody else', async (t) => {
    const { channel, event, notices, catalog } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    const hook = (path: string, rules?: object[]) => ({
      ...{ kind: 'webhook', url: `${receiver.url}/${path}`, secret: CHANNEL_SECRET },
      ...(rules && { rules }),
    });
    await channel('all', hook('all'));
    await channel('problems', hook('problems', [{ events: ['problems'] }]));
    await channel(
      'drills',
      hook('drills', [{ events: ['drill_failed'] }, { plans: ['nightly'], events: ['run_missed'] }]),
    );
    await channel('global', hook('global', [{ tenants: ['global'] }]));
    await channel('own', hook('own'), { tenantId: 't1' });
    await channel('off', { ...hook('off'), enabled: false });
    const heard = async (kind: Parameters<typeof event>[0], plan: string, tenantId: string | null) => {
      receiver.received.length = 0;
      await event(kind, { plan, tenantId });
      await notices.tick();
      return receiver.received.map(({ path }) => path.slice(1)).sort();
    };
    assert.deepEqual(await heard('backup_completed', 'nightly', 't1'), ['all', 'own']);
    assert.deepEqual(await heard('backup_completed', 'nightly', 't2'), ['all']);
    assert.deepEqual(await heard('backup_skipped', 'nightly', null), ['all', 'global', 'problems']);
    assert.deepEqual(await heard('run_missed', 'nightly', 't1'), ['all', 'drills', 'own', 'problems']);
    assert.deepEqual(await heard('run_hanging', 'nightly', 't2'), ['all', 'problems']);
    assert.deepEqual(await heard('copy_missing', 'weekly', 't2'), ['all', 'problems']);
    assert.deepEqual(await heard('drill_failed', 'weekly', null), ['all', 'drills', 'global', 'problems']);
    const own = await listDeliveries(catalog.db, { tenants: ['t1'] }, PAGE);
    assert.deepEqual([...new Set(own.items.map(({ tenantId }) => tenantId))], ['t1']);
  });
}

function sharingSuite(place: CatalogPlace): void {
  test('ping addresses: start, success and fail, in order, with the run behind them', async (t) => {
    const { channel, event, notices, clock } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    await channel('ping', { kind: 'ping', url: `${receiver.url}/ping/\${PING_URL_KEY}?create=1` });
    const jobId = '0193a2b0-0000-7000-8000-00000000000a';
    for (const kind of [
      'backup_started',
      'backup_completed',
      'backup_failed',
      'backup_skipped',
      'verify_completed',
    ] as const) {
      clock.advance(10);
      await event(kind, { jobId, plan: 'nightly' });
    }
    await notices.tick();
    const path = `/ping/${SECRETS.PING_URL_KEY}`;
    assert.deepEqual(
      receiver.received.map(({ path: one }) => one),
      ['/start', '', '/fail', '/fail'].map((suffix) => `${path}${suffix}?create=1&rid=${jobId}`),
    );
    assert.equal(receiver.received[2]!.body, 'the backup of plan nightly failed');
  });

  test('two servers send each notice once; a third takes over what a dead one had begun', async (t) => {
    const { channel, event, notices, catalog, clock, another } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    await channel('ops', { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET });
    for (let i = 0; i < 30; i += 1) await event('backup_completed', { plan: `plan-${i}` });
    const other = await another();
    await Promise.all([notices.tick(), other.notices.tick(), notices.tick(), other.notices.tick()]);
    const sent = receiver.received.map(({ body }) => (JSON.parse(body) as { message: string }).message);
    assert.equal(sent.length, 30);
    assert.equal(new Set(sent).size, 30);
    // One that claimed a delivery and died before it wrote down how it went.
    await event('backup_failed', FAILED);
    receiver.answer = { status: 503 };
    await notices.tick();
    const [waiting] = (await listDeliveries(catalog.db, { status: 'waiting' }, PAGE)).items;
    await catalog.db
      .updateTable('notice_deliveries')
      .set({ attempts: 2, next_at: clock.nowMs() + ATTEMPT_MS })
      .where('id', '=', waiting!.id)
      .execute();
    receiver.answer = { status: 200 };
    const third = await another();
    await third.notices.tick();
    assert.equal(receiver.received.length, 31, 'it may still be under way');
    clock.advance(ATTEMPT_MS);
    await third.notices.tick();
    assert.equal(receiver.received.length, 32);
    assert.equal((await listDeliveries(catalog.db, { status: 'waiting' }, PAGE)).items.length, 0);
  });
}

function lifeSuite(place: CatalogPlace): void {
  test('what waits survives a restart, and a running service delivers by itself', async (t) => {
    const { channel, event, notices, clock, another, catalog } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    receiver.answer = { status: 500 };
    await channel('ops', { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET });
    await event('backup_failed', FAILED);
    await notices.tick();
    await notices.stop();
    receiver.answer = { status: 200 };
    clock.advance(RETRY_SECONDS[0] * 1000);
    const next = await another({ pollMs: 20 });
    next.notices.start();
    const delivered = async () =>
      (await listDeliveries(catalog.db, { status: 'delivered' }, PAGE)).items.length;
    await untilTrue(async () => (await delivered()) === 1);
    await event('backup_completed');
    await untilTrue(async () => (await delivered()) === 2);
    await next.notices.stop();
    await event('backup_completed');
    assert.equal(receiver.received.length, 3);
  });

  test('the test button sends at once and stays in the history; a channel that is gone drops what waits', async (t) => {
    const { channel, event, notices, clock, catalog } = await noticeWorld(place, t);
    const receiver = await noticeReceiver(t);
    const body = { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET };
    await channel('ops', body);
    const good = await notices.test('ops');
    assert.deepEqual([good.ok, good.answer, good.error], [true, '204', null]);
    const { event: name, status } = JSON.parse(receiver.received[0]!.body) as {
      event: string;
      status: string;
    };
    assert.deepEqual([name, status], ['test', 'success']);
    receiver.answer = { status: 403 };
    assert.equal((await notices.test('ops')).error, 'answered 403');
    await assert.rejects(notices.test('nobody'), { code: 'document_unknown' });
    await event('backup_failed', FAILED);
    await notices.tick();
    await channel('ops', { ...body, enabled: false }, { replaces: 1 });
    clock.advance(RETRY_SECONDS[0] * 1000);
    await notices.tick();
    const [dropped] = (await listDeliveries(catalog.db, { status: 'dropped' }, PAGE)).items;
    assert.equal(dropped!.lastError, 'the channel is switched off');
    assert.equal(receiver.received.length, 3);
  });
}

onEachCatalog('notices', (place) => {
  deliverySuite(place);
  answersSuite(place);
  sharingSuite(place);
  lifeSuite(place);
});

test('an inner address, a missing secret and a short one are refused before anything leaves', async (t) => {
  const { channel, notices, event, catalog } = await noticeWorld(openSqlitePlace(), t, {
    outbound: { policy: publicOnly },
  });
  const receiver = await noticeReceiver(t);
  await channel('inner', { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET });
  await channel('metadata', { kind: 'ping', url: 'http://169.254.169.254/latest/meta-data/' });
  await channel('unset', { kind: 'webhook', url: 'https://example.org', secret: { env: 'NOT_SET' } });
  await channel('file', { kind: 'ping', url: { file: 'no-such-file' } });
  await channel('mail', { kind: 'email', host: '127.0.0.1', from: 'a@b.example', to: ['c@d.example'] });
  assert.match((await notices.test('inner')).error!, /^address_refused: 127\.0\.0\.1: it is loopback$/);
  assert.match((await notices.test('metadata')).error!, /^address_refused: .* credentials of the machine$/);
  assert.match((await notices.test('unset')).error!, /^secret_missing: .*NOT_SET is not set$/);
  assert.match((await notices.test('file')).error!, /^secret_missing: .*ENOENT$/);
  assert.match((await notices.test('mail')).error!, /^address_refused/);
  assert.equal(receiver.received.length, 0);
  await event('backup_failed', FAILED);
  await notices.tick();
  const waiting = (await listDeliveries(catalog.db, { status: 'waiting' }, PAGE)).items;
  assert.equal(waiting.length, 5, 'they are tried again: the configuration may be mended');
});

test('a catalog that fails in the middle is reported, and what it could not write down is sent again', async (t) => {
  const errors: unknown[] = [];
  const world = await noticeWorld(openSqlitePlace(), t, { onError: (error) => errors.push(error) });
  const { channel, event, notices, catalog, clock } = world;
  const receiver = await noticeReceiver(t);
  await channel('ops', { kind: 'webhook', url: receiver.url, secret: CHANNEL_SECRET });
  await event('backup_failed', FAILED);
  await sql`create trigger broken before insert on notice_attempts begin select raise(abort, 'the disk is full'); end`.execute(
    catalog.db,
  );
  await notices.tick();
  assert.match(String(errors[0]), /the disk is full/);
  assert.equal(receiver.received.length, 1);
  await sql`drop trigger broken`.execute(catalog.db);
  await notices.tick();
  assert.equal(receiver.received.length, 1, 'not before the claim has ended');
  clock.advance(ATTEMPT_MS);
  await notices.tick();
  assert.equal(receiver.received.length, 2);
  assert.equal((await listDeliveries(catalog.db, { status: 'delivered' }, PAGE)).items.length, 1);
});
