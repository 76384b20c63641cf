/** Drills by a worker on a catalog and a database of a real PostgreSQL: parts of a plan that are backups of their own, and copies elsewhere. */
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DrillReport } from '../../src/engine/index.ts';
import { requireDocument } from '../../src/server/configuration/documents.ts';
import { evidenceOf, listDrills } from '../../src/server/history/drills.ts';
import { requestBackup } from '../../src/server/runs/request-backup.ts';
import { requestDrill } from '../../src/server/runs/request-drill.ts';
import type { BackupResult, DrillResult } from '../../src/server/worker/port.ts';
import { rebuildCatalog } from '../../src/server/worker/rebuild-catalog.ts';
import { onEachCatalog } from '../support/catalogs.ts';
import { type RunnerWorld, runnerWorld } from '../support/runner-world.ts';

async function drill(world: RunnerWorld, name: string) {
  const plan = await requireDocument(world.catalog.db, 'plan', name);
  const asked = { plan, backup: null, checks: null, via: 'schedule' as const, requestedBy: null };
  const { job } = await world.catalog.transaction((trx) => requestDrill(trx, world.queue, asked));
  const { error, result } = await world.ended(job.id);
  const { drillId } = result as DrillResult;
  const { report } = (await evidenceOf(world.catalog.db, drillId))!;
  return { error, report };
}

const drillsOf = async ({ catalog }: RunnerWorld) =>
  (await listDrills(catalog.db, { tenants: null }, { limit: 10, after: null })).items;

const oldest = ({ backup, otherBackups }: DrillReport) =>
  Math.min(...[backup!, ...otherBackups].map(({ startedAt }) => Date.parse(startedAt)));

onEachCatalog('drills of a service', (place) => {
  if (place.dialect === 'sqlite') return;
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
    const plan = await requireDocument(world.catalog.db, 'plan', 'whole');
    const asked = { plan, part: null, via: 'schedule' as const, requestedBy: null, atMs: Date.now() };
    const own = await world.run('whole', 'app');
    // As the schedule does: without the database that has its own hour.
    const { job } = await world.catalog.transaction((trx) => requestBackup(trx, world.queue, asked));
    const [main, keys] = ((await world.ended(job.id)).result as BackupResult).backups;
    const { error, report } = await drill(world, 'whole');
    assert.equal(error, null);
    const idOf = (result: unknown) => (result as BackupResult).backups[0]!.backupId;
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
});
