import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { nextJobQuery } from '../../src/server/jobs/next-job.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { untilTrue } from '../support/until-true.ts';
import { queueConformance } from './queue.ts';

onEachCatalog('queue', (place) => {
  queueConformance(place);
  if (place.dialect === 'postgres') delivery(place);
  else looking(place);
});

function looking(place: CatalogPlace): void {
  test('whose turn it is is found by indexes alone, whatever the history', async (t) => {
    const catalog = await place.open(t);
    const { sql: text } = nextJobQuery([null, 'red'], 1).compile(catalog.db);
    const explain = sql<{ detail: string }>`explain query plan ${sql.raw(text.replaceAll('?', '1'))}`;
    const { rows } = await explain.execute(catalog.db);
    const details = rows.map(({ detail }) => detail);
    assert.deepEqual(
      details.filter((detail) => /^SCAN (?!waiting|CONSTANT)/.test(detail)),
      [],
    );
    assert.equal(
      details.filter((detail) => detail.includes('INDEX jobs_waiting')).length,
      3,
      details.join('\n'),
    );
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
