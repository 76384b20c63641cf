/** Table retention by the service: on its schedule and when asked, told in history, ledger and notices. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { redact } from '../../src/server/http/redact.ts';
import { openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { jobRecorder } from '../../src/server/ledger/job-records.ts';
import { noticeOf } from '../../src/server/notices/notice.ts';
import { openSchedule } from '../../src/server/schedule/schedule.ts';
import type { TableRetentionResult } from '../../src/server/worker/port.ts';
import { recordBackup } from '../../src/server/worker/record-backups.ts';

import { clockAtQuarter, httpWorld, OWNER } from '../support/http-world.ts';
import { runnerWorld } from '../support/runner-world.ts';
import { unexpected } from '../support/server-world.ts';
import { openSqlitePlace } from '../support/sqlite-place.ts';

const URL = '/api/v1/table-retention';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RULE = { column: 'id', unit: 'value', maxRows: 30, schedule: '0 * * * *' };

function grow(path: string, rows: number): void {
  const database = new DatabaseSync(path);
  database.exec(`create table if not exists audit (id integer primary key, note text);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows}) insert into audit (note) select 'n' from n`);
  database.close();
}

function rowsIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const { n } = database.prepare('select count(*) as n from audit').get() as { n: number };
  database.close();
  return n;
}

test('a table is thinned when its time comes, and when somebody asks', async (t) => {
  let aheadMs = 0;
  const quarter = clockAtQuarter();
  const world = await httpWorld(t, { clock: { nowMs: () => quarter.nowMs() + aheadMs } });
  const owner = await world.owner();
  await world.withPlan(owner);
  const path = join(world.folder, 'events.db');
  grow(path, 100);
  const body = (rule: object) => ({ kind: 'sqlite', path, tableRetention: { audit: rule } });
  const bad = await owner.post('/api/v1/sources', {
    name: 'events',
    body: body({ ...RULE, schedule: '* *' }),
  });
  assert.deepEqual([bad.status, bad.json.code], [400, 'schedule_invalid'], bad.text);
  const made = await owner.post('/api/v1/sources', { name: 'events', body: body(RULE) });
  assert.equal(made.status, 201, made.text);

  const { catalog, queue } = world;
  const schedule = openSchedule({ catalog, queue, onError: unexpected });
  assert.deepEqual((await schedule.tick()).enqueued, [], 'the last slot is from before the rule');
  aheadMs = HOUR_MS;
  const { enqueued } = await schedule.tick();
  assert.equal(enqueued.length, 1);
  assert.deepEqual((await schedule.tick()).enqueued, [], 'a slot is taken once');
  const another = openSchedule({ catalog, queue, onError: unexpected });
  assert.deepEqual((await another.tick()).enqueued, [], 'by whichever server');
  const job = await world.ended(owner, enqueued[0]!);
  assert.deepEqual([job.kind, job.status, job.error], ['table-retention', 'succeeded', null]);
  assert.deepEqual(
    [job.result.deleted, job.result.archives[0].rows, job.result.destination],
    [70, 70, 'main'],
  );
  assert.equal(rowsIn(path), 30);

  await t.test('the list says what is kept, when it is due next, and how the last run ended', async () => {
    const [listed] = (await owner.get(URL)).json.items;
    assert.deepEqual(
      [listed.source, listed.table, listed.max_rows, listed.max_age_days, listed.schedule],
      ['events', 'audit', 30, null, '0 * * * *'],
    );
    const due = Date.parse(listed.next_due_at) - catalog.clock.nowMs();
    assert.ok(due > 0 && due <= HOUR_MS, listed.next_due_at);
    assert.deepEqual([listed.last_job.id, listed.last_job.deleted], [job.id, 70]);
    const history = (await owner.get('/api/v1/jobs?kind=table-retention')).json.items;
    assert.deepEqual(
      history.map(({ id }: { id: string }) => id),
      [job.id],
    );
  });

  await t.test('its archive is among the backups, and is no run of a plan', async () => {
    const [archive] = (await owner.get('/api/v1/backups')).json.items;
    assert.deepEqual(
      [archive.id, archive.plan, archive.status],
      [job.result.archives[0].backupId, 'table-archive.events.audit', 'succeeded'],
    );
  });

  await t.test('the ledger keeps what went where', async () => {
    const ledger = openCatalogLedger(catalog, { keyFolder: join(world.folder, 'home', 'ledger-keys') });
    const ended = (await queue.get(job.id))!;
    await catalog.transaction((trx) => jobRecorder(ledger, unexpected, redact).jobEnded(trx, ended));
    const [entry] = (await owner.get('/api/v1/ledger?stream=audit_vault&action=table-retention')).json.items;
    assert.deepEqual(
      [entry.detail.source, entry.detail.table, entry.detail.deleted, entry.detail.archives[0].rows],
      ['events', 'audit', 70, 70],
    );
  });

  await t.test('asked for, it runs now; what fails is told', async () => {
    // It deletes: the password of an hour ago is too old for that.
    assert.equal((await owner.post(URL, { source: 'events', table: 'audit' })).json.code, 'proof_needed');
    await owner.post('/api/v1/session/prove', { password: OWNER.password });
    grow(path, 5);
    const looked = await owner.post(`${URL}/preview`, { source: 'events', table: 'audit' });
    assert.deepEqual([looked.json.rows, looked.json.going], [35, 5], looked.text);
    assert.equal(rowsIn(path), 35, 'looking changes nothing');
    const asked = await owner.post(URL, { source: 'events', table: 'audit' });
    assert.deepEqual([asked.status, asked.json.outcome], [202, 'accepted'], asked.text);
    assert.equal((await world.ended(owner, asked.json.job_id)).result.deleted, 5);
    const unknown = await owner.post(URL, { source: 'events', table: 'none' });
    assert.equal(unknown.json.code, 'item_unknown', unknown.text);
    const unseen = await owner.post(`${URL}/preview`, { source: 'events', table: 'none' });
    assert.equal(unseen.json.code, 'item_unknown', unseen.text);
    const database = new DatabaseSync(path);
    database.exec('alter table audit rename to audit_old');
    database.close();
    const failing = await owner.post(URL, { source: 'events', table: 'audit' });
    const failed = await world.ended(owner, failing.json.job_id);
    assert.deepEqual([failed.status, failed.error.code], ['failed', 'item_unknown']);
    const events = await catalog.db
      .selectFrom('events')
      .selectAll()
      .where('kind', 'in', ['table_retention_completed', 'table_retention_failed'])
      .orderBy('id')
      .execute();
    const told = events.map((event) => noticeOf(event).payload);
    assert.deepEqual(
      told.map(({ event, status }) => `${event} ${status}`),
      ['success', 'success', 'failed'].map((status) => `table_retention_completed ${status}`),
    );
    assert.equal(told[0]!.message, 'table retention of audit of events archived and deleted 70 rows');
    assert.match(told[2]!.message, /^table retention of audit of events failed: .*no table audit/);
  });
});

test('archives that are past their time leave nothing behind: neither their space nor their entries', async (t) => {
  const world = await runnerWorld(openSqlitePlace(), t);
  const { catalog, queue } = world;
  grow(join(world.folder, 'events.db'), 100);
  const tableRetention = { audit: { ...RULE, keepArchivesDays: 365, destination: 'main' } };
  await world.write('source', 'events', { kind: 'sqlite', path: 'events.db', tableRetention });
  const old = { plan: 'table-archive.events.audit', part: null, tenant_id: null, started_at: 0 } as const;
  await catalog.transaction(async (trx) => {
    for (const id of ['of the table', 'of another']) {
      const plan = id === 'of another' ? 'nightly' : old.plan;
      await recordBackup(trx, { ...old, id, plan, type: 'db', status: 'succeeded', size_bytes: 1 });
    }
    await trx
      .updateTable('backups')
      .set({ archived_at: Date.now() - 32 * DAY_MS })
      .execute();
  });
  world.work();
  const payload = { source: 'events', table: 'audit', via: 'api', requestedBy: null };
  const { job } = await queue.enqueue({ kind: 'table-retention', payload });
  const { status, result } = await world.ended(job.id);
  assert.equal(status, 'succeeded');
  const { archives } = result as TableRetentionResult;
  const left = await catalog.db.selectFrom('backups').select('id').orderBy('id').execute();
  assert.deepEqual(
    left.map(({ id }) => id),
    [archives[0]!.backupId, 'of another'],
  );
  const prunes = await world.settled('prune');
  assert.deepEqual(
    prunes.map(({ payload: of, status: ended }) => [of, ended]),
    [[{ destination: 'main' }, 'succeeded']],
  );
});
