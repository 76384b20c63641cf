import assert from 'node:assert/strict';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { newId } from '../base/ids.ts';
import { decodeManifest, type Manifest } from './manifest.ts';
import { openSeenState } from './seen-state.ts';

const repositoryId = newId();

function seenManifest(plan: string | null, startedAt: string): Manifest {
  const fields = { version: 1, id: newId(), repositoryId, plan, tenantId: null, type: 'db', complete: true };
  const rest = { host: '', program: '', tools: {}, previous: null, artifacts: [], problems: [] };
  const json = { ...fields, startedAt, finishedAt: startedAt, ...rest, statistics: {}, ledgerHead: null };
  return decodeManifest(Buffer.from(JSON.stringify(json))) ?? assert.fail('the sample is not valid');
}

test('the newest backup of each plan is remembered, privately, across openings', async (t) => {
  const folder = join(await temporaryFolder(t), 'state');
  const state = await openSeenState(folder, repositoryId);
  const newer = seenManifest('a', '2026-01-02T00:00:00.000Z');
  const other = seenManifest(null, '2026-01-01T00:00:00.000Z');
  for (const manifest of [newer, seenManifest('a', '2026-01-01T00:00:00.000Z'), other]) state.note(manifest);
  state.noteEpoch(3);
  await state.flush();

  const again = await openSeenState(folder, repositoryId);
  assert.deepEqual([...again.plans.values()].map(({ id }) => id).sort(), [newer.id, other.id].sort());
  assert.equal(again.epoch, 3);
  const files = await readdir(folder);
  assert.deepEqual(files, [`seen-${repositoryId}.json`]);
  assert.equal((await stat(join(folder, files[0]!))).mode & 0o777, 0o600);
});

test('two processes keep what either saw, and what was purged stays forgotten', async (t) => {
  const folder = await temporaryFolder(t);
  const one = await openSeenState(folder, repositoryId);
  const two = await openSeenState(folder, repositoryId);
  const a = seenManifest('a', '2026-01-01T00:00:00.000Z');
  const b = seenManifest('b', '2026-01-01T00:00:00.000Z');
  one.note(a);
  await one.flush();
  two.note(b);
  await two.flush();
  assert.equal((await openSeenState(folder, repositoryId)).plans.size, 2);
  one.forget(a.id);
  await one.flush();
  const left = await openSeenState(folder, repositoryId);
  assert.deepEqual(
    [...left.plans.values()].map(({ id }) => id),
    [b.id],
  );
});

test('a damaged file, or that of another repository, is an empty state', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, `seen-${repositoryId}.json`), '{"version":1');
  assert.equal((await openSeenState(folder, repositoryId)).plans.size, 0);
  const foreign = { version: 1, repositoryId: newId(), epoch: 9, plans: {} };
  await writeFile(join(folder, `seen-${repositoryId}.json`), JSON.stringify(foreign));
  assert.equal((await openSeenState(folder, repositoryId)).epoch, 0);
});
