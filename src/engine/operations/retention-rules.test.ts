import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveRetention } from './retention-rules.ts';

const NONE = {
  days: null,
  versions: null,
  keepLast: null,
  hourly: null,
  daily: null,
  weekly: null,
  monthly: null,
  yearly: null,
};

test('without rules the default limits apply, each by itself', () => {
  assert.deepEqual(resolveRetention(), { ...NONE, days: 365, versions: 52 });
  assert.deepEqual(resolveRetention({ days: 30 }), { ...NONE, days: 30, versions: 52 });
  assert.deepEqual(resolveRetention({ days: null }), { ...NONE, versions: 52 });
});

test('with a keep rule only limits that were given apply', () => {
  assert.deepEqual(resolveRetention({ yearly: 10 }), { ...NONE, yearly: 10 });
  assert.deepEqual(resolveRetention({ yearly: 10, days: 900 }), { ...NONE, yearly: 10, days: 900 });
});

test('what stands beside a preset overrides it', () => {
  assert.deepEqual(resolveRetention({ preset: 'standard' }), { ...NONE, daily: 14, weekly: 8 });
  assert.deepEqual(resolveRetention({ preset: 'standard', daily: 3, weekly: null }), { ...NONE, daily: 3 });
});

test('nonsense is refused by name', () => {
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => resolveRetention({ daily: value }), {
      code: 'config_invalid',
      message: /retention\.daily/,
    });
  }
  assert.throws(() => resolveRetention({ preset: 'toString' }), {
    code: 'config_invalid',
    message: /toString/,
  });
});
