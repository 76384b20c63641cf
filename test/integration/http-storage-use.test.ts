import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MINUTE_MS } from '../../src/engine/index.ts';
import { httpWorld } from '../support/http-world.ts';

/** Bytes of every file below a folder. */
const bytesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .reduce((sum, one) => sum + statSync(join(one.parentPath, one.name)).size, 0);

test('what lies at a destination is measured once in a while, beside what its backups would be in full', async (t) => {
  let nowMs = Date.now();
  const world = await httpWorld(t, { clock: { nowMs: () => nowMs } });
  const owner = await world.owner();
  assert.deepEqual((await owner.get('/api/v1/storage')).json, { items: [] });
  await world.withPlan(owner);
  const use = async () => (await owner.get('/api/v1/storage')).json.items;
  const [empty] = await use();
  assert.deepEqual([empty.destination, empty.backups, empty.backup_bytes], ['main', 0, 0]);
  assert.equal(empty.used_bytes, bytesBelow(join(world.folder, 'main')));

  const sizes: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    const { json } = await owner.post('/api/v1/plans/nightly/run');
    assert.equal((await world.ended(owner, json.job_id)).status, 'succeeded');
  }
  for (const { size_bytes } of (await owner.get('/api/v1/backups')).json.items) sizes.push(size_bytes);
  const [shared] = await use();
  assert.deepEqual(
    [shared.used_bytes, shared.backups, shared.backup_bytes],
    [empty.used_bytes, 2, sizes[0]! + sizes[1]!],
    'the listing is the one of before',
  );
  nowMs += 6 * MINUTE_MS;
  const [fresh] = await use();
  assert.equal(fresh.used_bytes, bytesBelow(join(world.folder, 'main')));
  assert.ok(fresh.used_bytes > empty.used_bytes && fresh.measured_at > empty.measured_at);

  rmSync(join(world.folder, 'main'), { recursive: true });
  nowMs += 6 * MINUTE_MS;
  const [gone] = await use();
  assert.deepEqual([gone.used_bytes, gone.measured_at, typeof gone.error], [null, null, 'string']);
  assert.equal(gone.backups, 2, 'the catalog still knows of them');
});
