/** Drills by a worker of plans whose parts are backups of their own or lie elsewhere, and of backups whose plan is gone. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DrillReport } from '../../src/engine/index.ts';
import {
  deleteDocument,
  requireDocument,
  type StoredDocument,
} from '../../src/server/configuration/documents.ts';
import { evidenceOf, listDrills } from '../../src/server/history/drills.ts';
import { requestBackup } from '../../src/server/runs/request-backup.ts';
import { type DrilledBackup, requestDrill } from '../../src/server/runs/request-drill.ts';
import type { BackupResult, DrillResult } from '../../src/server/worker/port.ts';
import { rebuildCatalog } from '../../src/server/worker/rebuild-catalog.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { killProcess, startJobProcess } from '../support/job-process.ts';
import { type RunnerWorld, runnerWorld } from '../support/runner-world.ts';
import { untilTrue } from '../support/until-true.ts';

async function drill(
  world: RunnerWorld,
  plan: StoredDocument<'plan'> | null,
  backup: DrilledBackup | null = null,
) {
  const asked = { plan, backup, checks: null, via: 'schedule' as const, requestedBy: null };
  const { job } = await world.catalog.transaction((trx) => requestDrill(trx, world.queue, asked));
  const { error, result } = await world.ended(job.id);
  const { drillId } = result as DrillResult;
  const { report } = (await evidenceOf(world.catalog.db, drillId))!;
  return { error, report };
}

const planOf = ({ catalog }: RunnerWorld, name: string) => requireDocument(catalog.db, 'plan', name);
const idOf = (result: unknown) => (result as BackupResult).backups[0]!.backupId;
const drillsOf = async ({ catalog }: RunnerWorld) =>
  (await listDrills(catalog.db, { tenants: null }, { limit: 10, after: null })).items;

const oldest = ({ backup, otherBackups }: DrillReport) =>
  Math.min(...[backup!, ...otherBackups].map(({ startedAt }) => Date.parse(startedAt)));

onEachCatalog('drills of a service', (place) => {
  // The same code on both; what is drilled differs.
  if (place.dialect === 'sqlite') {
    alone(place);
    killed(place);
  } else together(place);
});

function alone(place: CatalogPlace): void {
  test('a plan of databases with hours of their own, one of their backups, and one whose plan is gone', async (t) => {
    const world = await runnerWorld(place, t);
    const check = { kind: 'sql', query: 'select count(*) from t', expect: 3 };
    await world.write('plan', 'own', {
      ...{ sources: ['app'], destination: 'main', databases: { app: { hour: 2 } } },
      drill: {
        checks: [
          { ...check, source: 'app' },
          { kind: 'command', command: 'test -f "$RESTORED_APP"' },
        ],
      },
    });
    world.work();
    const id = idOf((await world.run('own', 'app')).result);
    const plan = await planOf(world, 'own');
    const ofPlan = await drill(world, plan);
    assert.deepEqual([ofPlan.error, ofPlan.report.backup?.id, ofPlan.report.plan], [null, id, 'own/app']);
    const kinds = ({ report }: typeof ofPlan) => report.checks.map(({ kind }) => kind);
    assert.ok(kinds(ofPlan).includes('command'));

    const backup = { id, tenantId: null, plan: 'own', part: 'app', destinations: ['main'] };
    const ofPart = await drill(world, plan, backup);
    assert.deepEqual([ofPart.error, ofPart.report.backup?.id], [null, id]);
    assert.ok(kinds(ofPart).includes('sql') && !kinds(ofPart).includes('command'));

    const version = plan.version;
    const author = { origin: 'api' as const, name: null, atMs: Date.now() };
    await world.catalog.transaction((trx) =>
      deleteDocument(trx, { kind: 'plan', name: 'own', version }, author),
    );
    const ofBackup = await drill(world, null, backup);
    assert.deepEqual([ofBackup.error, ofBackup.report.backup?.id], [null, id]);
    assert.ok(!kinds(ofBackup).includes('sql') && kinds(ofBackup).includes('content'));
    // The newest of a plan that is gone cannot be told.
    const gone = await drill(world, plan);
    assert.equal(gone.error?.code, 'plan_unknown');
    const drills = await drillsOf(world);
    assert.deepEqual(
      drills.map((one) => [one.plan, one.result, one.backupId]),
      [
        ['own', 'red', null],
        ['own', 'green', id],
        ['own', 'green', id],
        ['own', 'green', id],
      ],
    );
  });
}

function killed(place: CatalogPlace): void {
  test('a worker that is killed in the middle leaves nothing, and another one drills', async (t) => {
    const world = await runnerWorld(place, t);
    const drills = join(world.folder, 'drills');
    await mkdir(drills);
    const begun = join(world.folder, 'begun');
    const command = `test -e ${begun} || { touch ${begun}; sleep 600; }`;
    await world.write('plan', 'p', {
      ...{ sources: ['app'], destination: 'main' },
      drill: { folder: drills, checks: [{ kind: 'command', command }] },
    });
    const { folder, environment, address } = world;
    const log = join(folder, 'log');
    await appendFile(log, '');
    const child = await startJobProcess({
      ...{ address, log, leaseMs: 120_000, concurrency: 1, place: { folder, environment } },
    });
    t.after(() => killProcess(child));
    await world.run('p');
    const asked = { plan: await planOf(world, 'p'), backup: null, checks: null };
    const { job } = await world.catalog.transaction((trx) =>
      requestDrill(trx, world.queue, { ...asked, via: 'schedule', requestedBy: null }),
    );
    await untilTrue(async () => existsSync(begun));
    await killProcess(child);
    await untilTrue(async () => readdirSync(drills).length === 0);
    // As if time had passed.
    await world.catalog.db
      .updateTable('jobs')
      .set({ lease_until: 1 })
      .where('status', '=', 'running')
      .execute();
    assert.deepEqual(await world.queue.maintain(), [job.id]);
    world.work();
    const { status, attempt } = await world.ended(job.id);
    // A busy machine may take it away once more.
    assert.ok(status === 'succeeded' && attempt >= 2, `${status}, attempt ${attempt}`);
    const found = await drillsOf(world);
    assert.deepEqual(
      found.map(({ result, jobId }) => [result, jobId]),
      [['green', job.id]],
    );
    assert.deepEqual(readdirSync(drills), []);
  });
}

function together(place: CatalogPlace): void {
  test('everything of a plan together, wherever and whenever it was backed up', async (t) => {
    const cluster = place.cluster()!;
    const world = await runnerWorld(place, t);
    const url = await cluster.createDatabase('shop');
    await cluster.psql(
      'create table users (id int primary key); insert into users select generate_series(1, 50)',
      'shop',
    );
    await world.write('source', 'shop', { kind: 'postgres', url });
    const key = join(world.folder, 'encryption_key');
    await appendFile(key, 'secret');
    await world.write('source', 'key', { kind: 'files', path: key });
    const query = 'select count(*) from users';
    await world.write('plan', 'whole', {
      sources: ['shop', 'uploads', 'app', 'key'],
      destinations: ['main', 'offsite'],
      separate: { key: ['offsite'] },
      databases: { app: { hour: 2, retentionDays: 1 } },
      drill: { checks: [{ kind: 'sql', source: 'shop', query, expect: 50 }] },
    });
    world.work();
    const plan = await planOf(world, 'whole');
    const asked = { plan, part: null, via: 'schedule' as const, requestedBy: null, atMs: Date.now() };
    const own = await world.run('whole', 'app');
    // As the schedule does: without the database that has its own hour.
    const { job } = await world.catalog.transaction((trx) => requestBackup(trx, world.queue, asked));
    const [main, keys] = ((await world.ended(job.id)).result as BackupResult).backups;
    const { error, report } = await drill(world, plan);
    assert.equal(error, null);
    assert.equal(report.backup?.id, main?.backupId);
    assert.deepEqual(
      report.otherBackups.map(({ id }) => id),
      [keys?.backupId, idOf(own.result)],
    );
    const names = report.checks.map(({ name }) => name);
    for (const name of ['db.dump', 'app.db', 'uploads', 'encryption_key']) {
      assert.ok(names.includes(`content of ${name}`), `${name} of ${names.join(', ')}`);
    }
    assert.equal(report.rpoMs, Date.parse(report.startedAt) - oldest(report));
    const [found] = await drillsOf(world);
    assert.deepEqual(
      found?.storedAt,
      ['main', 'offsite'].map((name) => join(world.folder, name)),
    );

    // A catalog that was lost knows it again from the evidence at the destinations.
    await world.catalog.db.deleteFrom('drills').execute();
    await rebuildCatalog(world, { signal: new AbortController().signal });
    const [again, ...others] = await drillsOf(world);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [again?.id, again?.plan, again?.result, again?.rtoMs, again?.evidenceSha256, again?.jobId],
      [found?.id, 'whole', 'green', found?.rtoMs, found?.evidenceSha256, null],
    );
    assert.deepEqual((await evidenceOf(world.catalog.db, again!.id))?.report, report);
  });
}
