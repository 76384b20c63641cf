/**
 * `npm run bench:service -- [ROWS] [sqlite|postgres]`: pages of lists over a long history (default a million backups, as many jobs and
 * triggers), on both catalogs: the first page, one in the middle and one near the end, by everything, by tenant and by plan.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { listBackups } from '../../src/server/history/backups.ts';
import { listTriggers } from '../../src/server/history/triggers.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { startCluster } from '../../test/support/postgres-cluster.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ONLY = process.argv[3] ?? null;
const TENANTS = 100;
const PLANS = 1000;
const BATCH = 500;
const PAGES = 200;
const LIMIT = 50;
const START_MS = Date.parse('2020-01-01T00:00:00Z');
const STEP_MS = 180_000;

const idOf = (i: number) => {
  const time = (START_MS + i * STEP_MS).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${i.toString(16).padStart(12, '0')}`;
};
const tenantOf = (i: number) => (i % 10 === 0 ? null : `tenant-${i % TENANTS}`);
const planOf = (i: number) => `plan-${i % PLANS}`;

async function fill(catalog: Catalog): Promise<void> {
  for (let from = 0; from < ROWS; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, ROWS - from) }, (_, i) => from + i);
    await catalog.transaction(async (trx) => {
      await trx.insertInto('backups').values(batch.map(backupRow)).execute();
      await trx.insertInto('backup_copies').values(batch.map(copyRow)).execute();
      for (const part of [batch.slice(0, BATCH / 2), batch.slice(BATCH / 2)]) {
        if (part.length > 0) await trx.insertInto('jobs').values(part.map(jobRow)).execute();
      }
      await trx.insertInto('triggers').values(batch.map(triggerRow)).execute();
    });
  }
}

const backupRow = (i: number) => ({
  ...{ id: idOf(i), plan: planOf(i), plan_id: planOf(i), part: null, tenant_id: tenantOf(i) },
  ...{ type: 'full' as const, status: 'succeeded' as const, started_at: START_MS + i * STEP_MS },
  ...{ finished_at: START_MS + i * STEP_MS + 60_000, size_bytes: 1e9 + i, stored_bytes: 1e7, held: 0 },
  artifacts: JSON.stringify([{ name: 'db.dump', kind: 'postgres', sizeBytes: 1e9 + i }]),
  ...{ archived_at: i % 7 === 0 ? START_MS : null, job_id: idOf(i) },
});

const copyRow = (i: number) => ({
  ...{ backup_id: idOf(i), destination_id: 'main', state: 'present' as const, seen_at: START_MS },
  ...{ copied_at: START_MS, verified_at: null, verified_good: null, error: null },
});

const jobRow = (i: number) => ({
  ...{ id: idOf(i), kind: 'backup' as const, status: 'succeeded' as const, tenant_id: tenantOf(i) },
  ...{ plan_id: planOf(i), plan: planOf(i), part: null, payload: '{}', label: null, priority: 0 },
  ...{
    concurrency_key: `source:${planOf(i)}`,
    singleton_key: `backup:${planOf(i)}`,
    idempotency_key: `slot:${i}`,
  },
  ...{ created_at: START_MS, run_after: START_MS, started_at: START_MS, finished_at: START_MS, attempt: 1 },
  ...{ max_attempts: 3, lease_until: null, lease_token: null, worker_id: 'w', cancel_requested_at: null },
  ...{ slot_at: START_MS, hanging_after_ms: null, overdue_noticed_at: null, progress: null, last_event: 3 },
  ...{ result: '{}', error_code: null, error_message: null, error_next: null },
});

const triggerRow = (i: number) => ({
  ...{ id: idOf(i), at: START_MS, via: 'schedule' as const, requested_by: null, tenant_id: tenantOf(i) },
  ...{ plan_id: planOf(i), plan: planOf(i), part: null, type: 'full' as const, outcome: 'accepted' as const },
  ...{ message: null, job_id: idOf(i) },
});

type Page = (
  after: string | null,
) => Promise<{ readonly next: string | null; readonly items: readonly unknown[] }>;

/** The 95th percentile over pages that begin all over the history, in milliseconds. */
async function p95(page: Page, cursorAt: (share: number) => string | null): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < PAGES; i += 1) {
    const startedAtMs = performance.now();
    await page(cursorAt(i / PAGES));
    times.push(performance.now() - startedAtMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(PAGES * 0.95)]!;
}

async function measure(name: string, catalog: Catalog): Promise<void> {
  const filledFromMs = performance.now();
  await fill(catalog);
  console.log(
    `${name}: ${ROWS} backups, jobs and triggers written in ${((performance.now() - filledFromMs) / 1000).toFixed(0)} s`,
  );
  const queue = await openQueue(catalog);
  const { db } = catalog;
  const at = (share: number) => Math.floor((1 - share) * (ROWS - 1));
  const byId = (share: number) => (share === 0 ? null : idOf(at(share)));
  const byTime = (share: number) =>
    share === 0 ? null : `${START_MS + at(share) * STEP_MS}_${idOf(at(share))}`;
  const page = (after: string | null) => ({ limit: LIMIT, after });
  const lists: [string, Page, (share: number) => string | null][] = [
    ['backups', (after) => listBackups(db, {}, page(after)), byTime],
    ['backups of a tenant', (after) => listBackups(db, { tenantId: 'tenant-7' }, page(after)), byTime],
    ['backups of a plan', (after) => listBackups(db, { plan: 'plan-7' }, page(after)), byTime],
    ['archived backups', (after) => listBackups(db, { archived: true }, page(after)), byTime],
    [
      'archived of a tenant',
      (after) => listBackups(db, { tenantId: 'tenant-7', archived: true }, page(after)),
      byTime,
    ],
    ['jobs', (after) => queue.list({}, page(after)), byId],
    ['jobs of a tenant', (after) => queue.list({ tenantId: 'tenant-7' }, page(after)), byId],
    ['jobs of a plan', (after) => queue.list({ planId: 'plan-7' }, page(after)), byId],
    ['failed jobs', (after) => queue.list({ status: 'failed' }, page(after)), byId],
    [
      'failed of a tenant',
      (after) => queue.list({ tenantId: 'tenant-7', status: 'failed' }, page(after)),
      byId,
    ],
    ['triggers', (after) => listTriggers(db, {}, page(after)), byId],
    ['triggers of a plan', (after) => listTriggers(db, { planId: 'plan-7' }, page(after)), byId],
  ];
  for (const [title, list, cursorAt] of lists) {
    const items = (await list(null)).items.length;
    console.log(
      `  ${title.padEnd(22)} p95 ${(await p95(list, cursorAt)).toFixed(1).padStart(7)} ms, ${items} on the first page`,
    );
  }
  console.log(`  memory ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
  await queue.close();
}

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-history-'));
  try {
    const catalog = await openCatalog({ file: join(folder, 'catalog.db') });
    await measure('SQLite', catalog);
    await catalog.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function onPostgres(): Promise<void> {
  const cluster = await startCluster({ settings: { shared_buffers: '256MB' } });
  try {
    const catalog = await openCatalog({ url: await cluster.createDatabase('history') });
    await measure('PostgreSQL', catalog);
    await catalog.close();
  } finally {
    await cluster.stop();
  }
}

if (ONLY !== 'postgres') await onSqlite();
if (ONLY !== 'sqlite') await onPostgres();
