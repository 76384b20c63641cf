import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isQuiet, trustedChangeTime } from './file-times.ts';

const NOW = 1_700_000_000_500_000_000n;
const MS = 1_000_000n;

test('a file is quiet once every further write would show', () => {
  assert.equal(isQuiet({ ctimeNs: NOW - 99n * MS, size: 1n }, NOW), false);
  assert.equal(isQuiet({ ctimeNs: NOW - 100n * MS, size: 1n }, NOW), true);
  assert.equal(isQuiet({ ctimeNs: NOW - 249n * MS, size: 2n << 20n }, NOW), false);
  assert.equal(isQuiet({ ctimeNs: NOW - 250n * MS, size: 2n << 20n }, NOW), true);
});

test('times of the future and of whole seconds do not keep a file from being read', () => {
  assert.equal(isQuiet({ ctimeNs: NOW + 5n * MS, size: 1n }, NOW), true);
  assert.equal(isQuiet({ ctimeNs: 1_700_000_000_000_000_000n, size: 1n }, 1_700_000_000_001_000_000n), true);
});

test('but they are not stored as proof that the file is unchanged', () => {
  assert.equal(trustedChangeTime(NOW + 5n * MS, NOW), 0n);
  assert.equal(trustedChangeTime(1_700_000_000_000_000_000n, NOW), 0n);
  assert.equal(trustedChangeTime(1_699_999_998_000_000_000n, NOW), 1_699_999_998_000_000_000n);
  assert.equal(trustedChangeTime(NOW - 20n * MS, NOW), NOW - 20n * MS);
  assert.equal(trustedChangeTime(NOW - 19n * MS, NOW), 0n);
});
