import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelayMs } from './retry-delay.ts';

test('the wait doubles up to ten minutes, and lies between half and all of it', () => {
  const longest = [1, 2, 3, 4, 100].map((attempt) => retryDelayMs(attempt, 0.999_999, 1000));
  assert.deepEqual(longest, [1000, 2000, 4000, 8000, 600_000]);
  assert.deepEqual(
    [1, 2, 100].map((attempt) => retryDelayMs(attempt, 0, 1000)),
    [500, 1000, 300_000],
  );
});
