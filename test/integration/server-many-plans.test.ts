import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import { writeDocument } from '../../src/server/configuration/documents.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { count } from '../support/counts.ts';
import { createRan, killProcess, readLog, startJobProcess, wrongCounts } from '../support/job-process.ts';
import { startCluster } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

const PLANS = count(400, 1000);
const SLOT_MS = Date.parse('2026-03-01T03:00:00Z');

test(`${PLANS} plans due in one minute: two servers and three workers run each exactly once`, async (t) => {
  const cluster = await startCluster({ settings: { max_connections: '100' } });
  t.after(() => cluster.stop());
  const address = { url: await cluster.createDatabase('many') };
  const log = join(await temporaryFolder(t), 'log');
  writeFileSync(log, '');
  const catalog = await openCatalog(address);
  const queue = await openQueue(catalog);
  t.after(async () => {
    await queue.close();
    await catalog.close();
  });
  await createRan(catalog);
  await makePlans(catalog, PLANS);
  const options = { address, log, leaseMs: 120_000 };
  const workers = [0, 1, 2].map(() => startJobProcess({ ...options, concurrency: 4, workMs: 2 }));
  t.after(async () => {
    for (const child of workers) await killProcess(await child);
  });
  // Nobody begins before all are there: one that started late would find nothing left.
  await Promise.all(workers);
  const startedAtMs = performance.now();
  const servers = [0, 1].map(() => startJobProcess({ ...options, schedule: true }));
  t.after(async () => {
    for (const child of servers) await killProcess(await child);
  });
  await Promise.all(servers);
  await untilTrue(async () => {
    const { rows } = await sql<{ done: number }>`select count(*) as done from ran`.execute(catalog.db);
    return rows[0]!.done >= PLANS;
  });
  t.diagnostic(
    `${PLANS} jobs drained in ${Math.round(performance.now() - startedAtMs)} ms, servers starting included`,
  );
  const jobs = await catalog.db
    .selectFrom('jobs')
    .select(['id', 'plan', 'status', 'slot_at', 'attempt'])
    .execute();
  assert.equal(jobs.length, PLANS);
  assert.equal(new Set(jobs.map(({ plan }) => plan)).size, PLANS);
  assert.deepEqual(
    [...new Set(jobs.map(({ status, slot_at, attempt }) => `${status} ${slot_at} ${attempt}`))],
    [`succeeded ${SLOT_MS} 1`],
  );
  assert.deepEqual(
    await wrongCounts(
      catalog,
      jobs.map(({ id }) => id),
    ),
    [],
  );
  const begins = readLog(log).filter(({ what }) => what === 'begin');
  assert.equal(begins.length, PLANS);
  // Nobody is left without work while others have plenty.
  assert.equal(new Set(begins.map(({ pid }) => pid)).size, 3);
  const orders = new Set(begins.map(({ jobId }) => jobId));
  assert.equal(orders.size, PLANS);
});

/** Plans with a slot that came a while ago. */
async function makePlans(catalog: Awaited<ReturnType<typeof openCatalog>>, plans: number): Promise<void> {
  const author = { origin: 'file' as const, name: null, atMs: SLOT_MS - 1000 };
  await catalog.transaction(async (trx) => {
    await writeDocument(
      trx,
      { kind: 'destination', name: 'main', body: { address: '/b' }, replaces: null },
      author,
    );
    for (let i = 0; i < plans; i += 1) {
      const name = `app-${i}`;
      const body = { kind: 'sqlite', path: `/srv/${name}.db` };
      await writeDocument(trx, { kind: 'source', name, body, replaces: null }, author);
    }
    // Plans are written as `writeDocument` does it: a thousand times the check of all names would be the longest part.
    const row = (i: number) => ({
      ...{
        id: `0190aaaa-0000-7000-8000-${String(i).padStart(12, '0')}`,
        kind: 'plan' as const,
        name: `plan-${i}`,
      },
      ...{
        tenant_id: null,
        version: 1,
        origin: 'file' as const,
        created_at: 1,
        updated_at: 1,
        updated_by: null,
        deleted_at: null,
      },
      body: JSON.stringify({
        sources: [`app-${i}`],
        tenantId: null,
        type: 'full',
        retention: {},
        schedule: '0 3 1 3 *',
      }),
    });
    const rows = Array.from({ length: plans }, (_, i) => row(i));
    await trx.insertInto('documents').values(rows).execute();
    const entries = rows.map(({ id }) => ({
      ...{ plan_id: id, part: '', cron: '0 3 1 3 *', time_zone: 'UTC', jitter_ms: 0, enabled: 1 },
      ...{ next_slot_at: SLOT_MS, next_due_at: SLOT_MS, last_slot_at: null },
    }));
    await trx.insertInto('schedule_entries').values(entries).execute();
  });
}
