import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINIMUM_FREE_BYTES, refuseLowSpace } from './free-space.ts';

const destination = (free: number | null) => ({ address: '/backups', freeBytes: async () => free });

test('a run is skipped below the minimum, with both numbers, and not at it', async () => {
  await refuseLowSpace(destination(MINIMUM_FREE_BYTES));
  await assert.rejects(refuseLowSpace(destination(MINIMUM_FREE_BYTES - 1)), {
    code: 'space_low',
    message: '/backups has 499 MB free, the minimum is 500 MB: the run was skipped',
  });
  await assert.rejects(refuseLowSpace(destination(1023), 1024), {
    message: '/backups has 1023 bytes free, the minimum is 1024 bytes: the run was skipped',
  });
});

test('a destination that does not say passes, and a minimum of 0 asks for nothing', async () => {
  await refuseLowSpace(destination(null));
  await refuseLowSpace(destination(0), 0);
});
