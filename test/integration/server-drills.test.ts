/** Restore drills through the API: green, red, unable to run, tried, cancelled; what is told of them, and their evidence. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyEvidence } from '../../src/engine/index.ts';
import { redact } from '../../src/server/http/redact.ts';
import { openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { jobRecorder } from '../../src/server/ledger/job-records.ts';
import { noticeOf } from '../../src/server/notices/notice.ts';
import {
  type DrillPlace,
  drillPlace,
  drillEvents as events,
  evidenceBesideBackups,
  planOf,
} from '../support/drill-place.ts';
import { runCli } from '../support/run-cli.ts';
import { unexpected } from '../support/server-world.ts';
import { untilTrue } from '../support/until-true.ts';

const ROWS = { kind: 'sql', name: 'enough rows', source: 'app', query: 'select count(*) from t' };

/** The downloaded page and document, by the engine and by the command, with no repository at hand. */
async function verifiesOffline({ world, owner }: DrillPlace, id: string, fingerprint: string): Promise<void> {
  for (const form of ['json', 'html'] as const) {
    const answer = await owner.get(`/api/v1/drills/${id}/evidence.${form}?download=true`);
    assert.equal(answer.headers['content-disposition'], `attachment; filename="drill-${id}.${form}"`);
    assert.equal(verifyEvidence(answer.bytes, fingerprint).report.drillId, id);
    const changed = Buffer.from(answer.text.replace('nightly', 'rightly'));
    assert.throws(() => verifyEvidence(changed, fingerprint), { code: 'evidence_invalid' });
  }
  const file = join(world.folder, 'drill.html');
  await writeFile(file, (await owner.get(`/api/v1/drills/${id}/evidence.html`)).bytes);
  const run = await runCli(['evidence', 'verify', file, '--json'], world);
  assert.deepEqual([run.status, JSON.parse(run.stdout).drillId], [0, id]);
}

test('a green drill: what it found, who hears of it, and evidence that verifies anywhere', async (t) => {
  const place = await drillPlace(t);
  const { world, owner } = place;
  const backupId = await place.backUp();
  const headers = { 'idempotency-key': 'once' };
  const first = await owner.send('POST', '/api/v1/drills', { body: { plan: 'nightly' }, headers });
  const job = await world.ended(owner, first.json.job_id);
  assert.deepEqual(
    [job.kind, job.status, job.error, job.result.backupId],
    ['drill', 'succeeded', null, backupId],
  );
  const again = await owner.send('POST', '/api/v1/drills', { body: { plan: 'nightly' }, headers });
  assert.deepEqual([again.json.job_id, again.json.outcome], [job.id, 'duplicate']);
  for (const body of [{ backup_id: backupId }, { plan: 'nightly', checks: [] }]) {
    const other = await owner.send('POST', '/api/v1/drills', { body, headers });
    assert.deepEqual([other.status, other.json.errors[0].field], [400, 'Idempotency-Key']);
  }
  const phases = (await world.queue.events(job.id, 0)).flatMap(({ kind, data }) =>
    kind === 'phase' ? [data.phase] : [],
  );
  assert.ok(
    ['open', 'compare app.db'].every((phase) => phases.includes(phase)),
    phases.join(', '),
  );

  const id = job.result.drillId as string;
  const { json: found } = await owner.get(`/api/v1/drills/${id}`);
  assert.deepEqual(
    [found.result, found.via, found.requested_by, found.trial, found.job_id, found.backup.id],
    ['green', 'api', 'owner@example.org', false, job.id, backupId],
  );
  assert.deepEqual(found.tables, [{ source: 'app', name: 't', rows: 3 }]);
  assert.ok(found.phases.length >= 3 && found.check_results.length === found.checks);
  assert.equal(
    found.rto_ms,
    found.phases
      .filter(({ name }: { name: string }) => name !== 'compare' && name !== 'checks')
      .reduce((sum: number, one: { duration_ms: number }) => sum + one.duration_ms, 0),
  );
  assert.deepEqual(
    found.trend.map((one: { id: string }) => one.id),
    [id],
  );
  assert.equal(evidenceBesideBackups(place), 1);
  assert.deepEqual(readdirSync(place.drills), []);

  await t.test('it is told as promised, and counts as proof', async () => {
    const [event, ...others] = await events(world);
    assert.deepEqual(others, []);
    const { payload } = noticeOf(event!);
    assert.deepEqual(Object.keys(payload), [
      'event',
      'tenant_id',
      'backup_id',
      'status',
      'message',
      'timestamp',
    ]);
    assert.deepEqual(
      [payload.event, payload.tenant_id, payload.backup_id, payload.status],
      ['drill_completed', null, backupId, 'success'],
    );
    assert.match(
      payload.message,
      /^the restore drill of plan nightly is green: recovery took \d+ s, the data was \d+ s old$/,
    );
    const plan = await planOf(place);
    assert.deepEqual([plan.last_drill.id, plan.hours_since_proven_restore], [id, 0]);
    const health = (await owner.get('/functions/v1/backup-trigger/health')).json.tenants[0].plans[0];
    assert.deepEqual([health.last_drill_result, health.hours_since_proven_restore], ['green', 0]);
  });

  await t.test('the ledger keeps the digest of its evidence, and who read that', async () => {
    const ledger = openCatalogLedger(world.catalog, { keyFolder: join(world.folder, 'home', 'ledger-keys') });
    const ended = (await world.queue.get(job.id))!;
    await world.catalog.transaction((trx) => jobRecorder(ledger, unexpected, redact).jobEnded(trx, ended));
    const [entry] = (await owner.get('/api/v1/ledger?stream=audit_vault&action=drill')).json.items;
    assert.deepEqual(
      [entry.object_id, entry.detail.drill_id, entry.detail.result, entry.detail.evidence_sha256],
      [backupId, id, 'green', found.evidence.sha256],
    );
    await owner.get(`/api/v1/drills/${id}/evidence.json`);
    const [read] = (await owner.get('/api/v1/ledger?stream=org_admin_reads')).json.items;
    assert.deepEqual([read.detail.request, read.object_id], ['GET /api/v1/drills/:id/evidence.json', id]);
  });

  await t.test('its evidence verifies with nothing else, and not with another byte', () =>
    verifiesOffline(place, id, found.evidence.fingerprint),
  );

  await t.test('the page may show its own style, and do nothing', async () => {
    const { headers: sent, text } = await owner.get(`/api/v1/drills/${id}/evidence.html`);
    assert.match(
      String(sent['content-security-policy']),
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; .*; sandbox$/,
    );
    assert.match(String(sent['content-type']), /^text\/html/);
    assert.match(text, /<!-- holdfast evidence signature/);
    assert.equal(sent['content-disposition'], undefined);
  });
});

test('a red drill, one that cannot run, and trials, which prove nothing and alert nobody', async (t) => {
  const place = await drillPlace(t);
  const { world, owner } = place;
  const backupId = await place.backUp();
  const isAlerted = async (count: number) => assert.equal((await events(world)).length, count);

  await t.test('a trial is told to whoever asked, and to nobody else', async () => {
    const red = await place.drill({ plan: 'nightly', checks: [{ ...ROWS, expect: 4 }] });
    assert.deepEqual(
      [red.status, red.error.code, red.result.redChecks],
      ['failed', 'drill_failed', ['enough rows']],
    );
    const green = await place.drill({ plan: 'nightly', checks: [{ ...ROWS, expect: { atLeast: 3 } }] });
    assert.deepEqual([green.status, green.result.isTrial], ['succeeded', true]);
    const { json } = await owner.get(`/api/v1/drills/${green.result.drillId}`);
    assert.ok(json.limits.includes('it was a trial, with other checks than those of the plan'));
    assert.deepEqual([json.trend, json.stored_at], [[], []]);
    assert.equal((await planOf(place)).last_drill, null);
    assert.equal(evidenceBesideBackups(place), 0);
    await isAlerted(0);
  });

  await t.test('a failing assertion of the plan is red, and alerts', async () => {
    await place.plan({}, { checks: [{ ...ROWS, expect: 4 }] });
    const job = await place.drill();
    assert.deepEqual([job.status, job.result.result, job.result.backupId], ['failed', 'red', backupId]);
    assert.match(job.error.message, /^enough rows: /);
    await isAlerted(1);
    const { payload } = noticeOf((await events(world))[0]!);
    assert.deepEqual(
      [payload.event, payload.status, payload.backup_id],
      ['drill_completed', 'failed', backupId],
    );
    assert.match(payload.message, /^the restore drill of plan nightly is red: enough rows: /);
    const { json: health } = await owner.get('/functions/v1/backup-trigger/health');
    assert.deepEqual(
      [health.status, health.tenants[0].message],
      ['warning', 'nightly: the last restore drill is red'],
    );
  });

  await t.test('a key file that no backup holds is red', async () => {
    const key = join(world.folder, 'encryption_key');
    await writeFile(key, 'secret');
    await owner.post('/api/v1/sources', { name: 'key', body: { kind: 'files', path: key } });
    await place.plan({ sources: ['app', 'uploads', 'key'] });
    const job = await place.drill({ backup_id: backupId });
    assert.deepEqual(job.result.redChecks, ['holds key']);
    await place.plan({});
  });

  await t.test('what cannot run is red, with evidence that says why', async () => {
    // Retention that follows a backup would meet an empty place, and make a folder there.
    await untilTrue(async () => {
      const { items } = (await owner.get('/api/v1/jobs')).json;
      return items.every((one: { finished_at: string | null }) => one.finished_at !== null);
    });
    await rename(join(world.folder, 'main'), join(world.folder, 'away'));
    const gone = await place.drill();
    await rename(join(world.folder, 'away'), join(world.folder, 'main'));
    assert.deepEqual([gone.status, gone.error.code, gone.attempt], ['failed', 'repository_missing', 1]);
    await place.plan({}, { postgres: { serverEnv: 'NOT_SET' } });
    const unset = await place.drill();
    assert.deepEqual([unset.status, unset.error.code], ['failed', 'config_invalid']);
    for (const { result, error } of [gone, unset]) {
      const { json } = await owner.get(`/api/v1/drills/${result.drillId}`);
      assert.deepEqual([json.result, json.failure.code, json.rto_ms], ['red', error.code, null]);
      assert.ok(json.evidence.sha256);
      assert.match(
        (await owner.get(`/api/v1/drills/${result.drillId}/evidence.html`)).text,
        /could not run to its end/,
      );
    }
    await isAlerted(4);
    await place.plan({});
  });

  await t.test('lists by plan, result and kind, in pages', async () => {
    const ids = async (query: string) =>
      (await owner.get(`/api/v1/drills?${query}`)).json.items.map((one: { id: string }) => one.id);
    const all = await ids('');
    assert.deepEqual([all.length, all], [6, [...all].sort().reverse()]);
    assert.equal((await ids('trial=true')).length, 2);
    assert.equal((await ids('trial=false&result=green')).length, 0);
    assert.equal((await ids('result=green&plan=nightly')).length, 1);
    assert.deepEqual(await ids('plan=other'), []);
    assert.equal((await ids(`backup_id=${backupId}`)).length, 4);
    const { json } = await owner.get('/api/v1/drills?limit=4');
    assert.deepEqual(
      [...json.items.map((one: { id: string }) => one.id), ...(await ids(`after=${json.next}`))],
      all,
    );
  });

  await t.test('one that is cancelled stops, is no drill, and leaves nothing', async () => {
    const flag = join(world.folder, 'begun');
    await place.plan({}, { checks: [{ kind: 'command', command: `touch ${flag}; sleep 600` }] });
    const { json } = await owner.post('/api/v1/drills', { plan: 'nightly' });
    await untilTrue(async () => existsSync(flag));
    const twice = await owner.post('/api/v1/drills', { plan: 'nightly' });
    assert.deepEqual([twice.json.job_id, twice.json.outcome], [json.job_id, 'duplicate']);
    assert.equal((await owner.post(`/api/v1/jobs/${json.job_id}/cancel`)).json.outcome, 'requested');
    assert.equal((await world.ended(owner, json.job_id)).status, 'interrupted');
    assert.equal((await owner.get('/api/v1/drills')).json.items.length, 6);
    assert.deepEqual(readdirSync(place.drills), []);
    await isAlerted(4);
  });
});
