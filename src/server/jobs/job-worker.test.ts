import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqlitePlace } from '../../../test/support/sqlite-place.ts';
import { untilTrue } from '../../../test/support/until-true.ts';
import { openQueue } from './queue.ts';

test('a job that was claimed runs, also when the next claim of the same look fails', async (t) => {
  const catalog = await openSqlitePlace().open(t);
  let asked = 0;
  const errors: unknown[] = [];
  const queue = await openQueue(catalog, {
    // What a worker that lost it would wait for.
    leaseMs: 3_600_000,
    pollMs: 50,
    onError: (error) => errors.push(error),
    async limit() {
      asked += 1;
      if (asked === 2) throw new Error('the catalog does not answer');
      return null;
    },
  });
  t.after(() => queue.close());
  const ids: string[] = [];
  for (const priority of [2, 1]) {
    ids.push((await queue.enqueue({ kind: 'custom', payload: {}, priority })).job.id);
  }
  const begun: string[] = [];
  const worker = queue.work({
    async handle({ id }) {
      begun.push(id);
      return { status: 'succeeded', result: null };
    },
  });
  t.after(() => worker.stop());
  await untilTrue(async () => (await queue.get(ids[1]!))?.finishedAtMs);
  assert.equal(errors.length, 1, 'the control');
  assert.deepEqual(begun, ids);
});
