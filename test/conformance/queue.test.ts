import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { nextJobQuery } from '../../src/server/jobs/next-job.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { untilTrue } from '../support/until-true.ts';
import { queueConformance } from './queue.ts';

onEachCatalog('queue', (place) => {
  queueConformance(place);
  looking(place);
  if (place.dialect === 'postgres') delivery(place);
});

/** A history, as statistics know it, and jobs that came since. */
async function fillQueue(catalog: Catalog): Promise<void> {
  const add = (status: string, count: number, finishedAt: string) =>
    sql`
      insert into jobs (id, kind, status, tenant_id, payload, priority, created_at, run_after, finished_at, attempt, max_attempts, last_event)
      with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(count)})
      select ${sql.lit(status)} || n, 'custom', ${sql.lit(status)}, 'tenant-' || n % 20, 'null', 0, 1, 1, ${sql.raw(finishedAt)}, 1, 3, 1
      from numbers`.execute(catalog.db);
  await add('succeeded', 20_000, '1');
  await sql`analyze`.execute(catalog.db);
  await add('queued', 300, 'null');
}

function looking(place: CatalogPlace): void {
  test('whose turn it is is found by indexes alone, whatever the history and what statistics say of it', async (t) => {
    const catalog = await place.open(t);
    await fillQueue(catalog);
    const query = nextJobQuery([null, 'red'], 1);
    const { sql: text, parameters } = query.compile(catalog.db);
    let next = 0;
    const written = text.replace(/\?|\$\d+/g, () => {
      const value = parameters[next++];
      return typeof value === 'string' ? `'${value}'` : String(value);
    });
    const explain = place.dialect === 'sqlite' ? 'explain query plan' : 'explain';
    const { rows } = await sql.raw(`${explain} ${written}`).execute(catalog.db);
    const plan = rows.map((row) => (row as Record<string, string>).detail ?? Object.values(row as object)[0]);
    const steps = plan.map(String);
    assert.deepEqual(
      steps.filter((step) =>
        /^SCAN (?!waiting|CONSTANT|first|jobs USING INDEX jobs_waiting)|Seq Scan on jobs|Hash|Sort Key: .*tenant_id/.test(
          step,
        ),
      ),
      [],
    );
    // PostgreSQL does not show the one below the recursion.
    const used = steps.filter((step) => /INDEX jobs_waiting|using jobs_waiting/.test(step)).length;
    assert.ok(used >= 2, steps.join('\n'));
    assert.equal((await query.execute(catalog.db)).rows.length, 1);
  });
}

function delivery(place: CatalogPlace): void {
  test('pg-boss holds nothing that the catalog does not have: without its tables the jobs are delivered all the same', async (t) => {
    const catalog = await place.open(t);
    const first = await openQueue(catalog);
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      ids.push((await first.enqueue({ kind: 'custom', payload: i, runAfterMs: 1000 + i })).job.id);
    }
    await first.close();
    await sql`drop schema holdfast_queue cascade`.execute(catalog.db);
    const second = await openQueue(catalog, { pollMs: 100 });
    t.after(() => second.close());
    const seen: unknown[] = [];
    const worker = second.work({
      handle: async ({ payload }) => {
        seen.push(payload);
        return { status: 'succeeded', result: null };
      },
      concurrency: 1,
    });
    t.after(() => worker.stop());
    await second.maintain();
    await untilTrue(async () => seen.length === 3);
    // What is there is not announced again.
    await second.maintain();
    const { rows } = await sql<{
      count: number;
    }>`select count(*) as count from holdfast_queue.job where state < 'completed'`.execute(catalog.db);
    assert.deepEqual([seen, rows[0]?.count], [[0, 1, 2], 0]);
  });
}
