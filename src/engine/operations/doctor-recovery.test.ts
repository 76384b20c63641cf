import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBackup } from '../../../test/support/backup-fixture.ts';
import { repositoryWorld } from '../../../test/support/repository-world.ts';
import { silentProgress } from '../base/progress.ts';
import type { Storage } from '../storage/port.ts';
import type { OperationContext } from './context.ts';
import { recoveryChecks } from './doctor-recovery.ts';

async function checked(change: {
  readonly hours?: number;
  readonly serverVersion?: string;
  readonly sizeBytes?: number;
}) {
  const world = await repositoryWorld();
  const { repository } = world;
  const made = await makeBackup(repository, { streams: { 'db.dump': Buffer.from('rows') } });
  // What the manifest says is what counts here.
  const [artifact] = made.artifacts;
  const spoken = {
    ...made,
    artifacts: [
      {
        ...artifact!,
        kind: 'pg-dump',
        sizeBytes: change.sizeBytes ?? 1000,
        facts: { serverVersion: change.serverVersion ?? '15.3' },
      },
    ],
  };
  const storage: Storage = {
    ...repository.storage,
    stat: async (...given) => {
      const info = await repository.storage.stat(...given);
      return info && { ...info, modifiedAtMs: info.modifiedAtMs + (change.hours ?? 0) * 3_600_000 };
    },
  };
  const manifests = {
    ...repository.manifests,
    async *readAll() {
      yield { ref: null as never, manifest: spoken };
    },
  };
  const context: OperationContext = {
    repository: { ...repository, storage, manifests: manifests as never },
    ...{
      progress: silentProgress,
      signal: new AbortController().signal,
      clock: world.clock,
      scratchRoot: '/nowhere',
      workers: 1,
    },
  };
  const checks = await recoveryChecks(context, async (major) =>
    major <= 15 ? { folder: '/usr/lib/postgresql/15/bin', major: 15, version: '15.18' } : null,
  );
  return checks.filter(({ status }) => status !== 'ok').map(({ name, next }) => `${name}: ${next}`);
}

test('a machine that is well says nothing', async () => {
  assert.deepEqual(await checked({}), []);
});

test('a clock that is off, programs that are too old, a disk that is too small', async () => {
  assert.deepEqual(await checked({ hours: 2 }), ['clock: run timedatectl set-ntp true']);
  assert.deepEqual(await checked({ hours: -2 }), ['clock: run timedatectl set-ntp true']);
  assert.deepEqual(await checked({ serverVersion: '17.2' }), [
    'postgresql tools: apt install postgresql-client-17',
  ]);
  const [room] = await checked({ sizeBytes: 1e18 });
  assert.match(room!, /^room for a restore: free space at \/var\/tmp/);
});
