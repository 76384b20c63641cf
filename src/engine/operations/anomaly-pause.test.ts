import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBackup } from '../../../test/support/backup-fixture.ts';
import { repositoryWorld } from '../../../test/support/repository-world.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { DAY_MS } from '../base/clock.ts';
import { silentProgress } from '../base/progress.ts';
import type { OperationContext } from './context.ts';
import { rotate } from './rotate.ts';

test('a backup unlike its history pauses retention of its plan, until a person accepts it', async (t) => {
  const { repository, clock } = await repositoryWorld();
  const stateFolder = await temporaryFolder(t);
  const warnings: string[] = [];
  const context: OperationContext = {
    ...{ repository, clock, scratchRoot: stateFolder, workers: 1, signal: new AbortController().signal },
    progress: { ...silentProgress, warn: (message) => void warnings.push(message) },
  };
  const make = async (plan: string, bytes: number) => {
    clock.advance(DAY_MS);
    return makeBackup(
      repository,
      { streams: { 'app.db': Buffer.alloc(bytes, clock.nowMs() % 251) } },
      { draft: { plan } },
    );
  };
  for (let day = 0; day < 8; day += 1) {
    await make('nightly', 20_000 + day * 100);
    await make('other', 5000);
  }
  const attacked = await make('nightly', 3000);
  const request = {
    dryRun: false,
    plan: null,
    tenantId: null,
    rulesOf: () => ({ days: null, versions: 2 }),
    stateFolder,
  };
  const dry = await rotate(context, { ...request, dryRun: true });
  assert.equal(dry.removed, 0);
  const first = await rotate(context, request);
  assert.deepEqual(
    first.paused.map(({ plan, backupId, kind }) => [plan, backupId, kind]),
    [['nightly', attacked.id, 'size']],
  );
  assert.match(
    warnings.join('\n'),
    /retention of nightly is paused: its size fell from 0\.02 MB to 0\.00 MB/,
  );
  const going = (outcome: typeof first) =>
    outcome.decisions.filter(({ action }) => action === 'remove').map(({ backup }) => backup.plan);
  assert.deepEqual(new Set(going(first)), new Set(['other']), 'others go their way');
  assert.equal(first.removed, 6);
  await make('nightly', 3100);
  assert.equal((await rotate(context, request)).removed, 0, 'the next one does not make it the custom');
  const accepted = await rotate(context, { ...request, acceptAnomalies: true });
  assert.deepEqual([accepted.paused.length, accepted.removed], [0, 8]);
  await make('nightly', 3200);
  const after = await rotate(context, request);
  assert.deepEqual([after.paused.length, after.removed], [0, 1], 'it is remembered');
});
