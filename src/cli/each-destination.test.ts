import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../engine/base/errors.ts';
import { exitCodeOf, hasDamage } from './each-destination.ts';
import type { DoneAt } from './engine-door.ts';

const answer = (code: ErrorCode | null): DoneAt<null> => ({
  ...{ destination: 'main', address: '/main', result: null },
  failure: code === null ? null : { code, message: 'm', next: 'n', backupId: null },
});

test('of several destinations, damage says more than one that does not answer', () => {
  const exit = (...codes: (ErrorCode | null)[]) => exitCodeOf(codes.map(answer));
  assert.equal(exit(null, null), 0);
  assert.equal(exit(null, 'storage_unreachable'), 6);
  assert.equal(exit('key_wrong', null), 6);
  assert.equal(exit('storage_unreachable', 'object_damaged'), 4);
});

test('what is no code of ours is no damage', () => {
  assert.equal(hasDamage([{ code: 'toString' }, { code: 'ENOSPC' }]), false);
  assert.equal(hasDamage([{ code: 'manifest_forged' }]), true);
});
