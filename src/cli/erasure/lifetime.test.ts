import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveRetention } from '../../engine/index.ts';
import { lifetimeOf, lockDaysOf, usualGapDays } from './lifetime.ts';

const of = (rules: Parameters<typeof resolveRetention>[0], gap: number | null = null, lock = 0) =>
  lifetimeOf(resolveRetention(rules), gap, lock).totalDays;

test('a limit in days bounds everything; soft delete, grace and locks come behind it', () => {
  assert.equal(of({ days: 30 }), 30 + 33);
  assert.equal(of({ days: 30 }, null, 90), 30 + 33 + 90);
  assert.equal(of({}), 365 + 33, 'the default');
  assert.equal(of({ preset: 'archive', days: 200 }), 200 + 33);
});

test('keep rules are bounds by their periods, and the longest counts', () => {
  assert.equal(of({ daily: 14, weekly: 8 }), 63 + 33);
  assert.equal(of({ yearly: 10 }), 11 * 366 + 33);
  assert.equal(of({ hourly: 23 }), 1 + 33);
});

test('numbers of backups need to know how often one is made', () => {
  assert.equal(of({ days: null, versions: 52 }), null);
  assert.equal(of({ days: null, versions: 52 }, 7), 53 * 7 + 33);
  assert.equal(of({ keepLast: 10 }), null);
  assert.equal(of({ keepLast: 10, daily: 7 }), null, 'the unknown one may be the longest');
  assert.equal(of({ days: null, versions: null }), null);
});

test('the usual gap is a median, and a lock is read from the address', () => {
  const day = 86_400_000;
  assert.equal(usualGapDays([0, day, 2 * day, 2 * day + 5, 40 * day]), 1);
  assert.equal(usualGapDays([0, day]), null);
  assert.equal(lockDaysOf('s3://b?lock=compliance&lock-days=30'), 30);
  assert.equal(lockDaysOf('/srv/lock-days=30'), 0);
});
