import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchingStep, newTotpSecret, seal, totpCode, unseal } from './totp.ts';

/** RFC 6238, appendix B, SHA-1: the secret is the ASCII text 12345678901234567890. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

test('codes are those of RFC 6238', () => {
  for (const [seconds, code] of [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ] as const) {
    assert.equal(totpCode(SECRET, Math.floor(seconds / 30)), code);
  }
});

test('a code is taken in its step and one to either side', () => {
  const nowMs = 1_111_111_109_000;
  const step = 37_037_036;
  assert.equal(matchingStep(SECRET, '081804', nowMs), step);
  assert.equal(matchingStep(SECRET, '081804', nowMs + 30_000), step);
  assert.equal(matchingStep(SECRET, '081804', nowMs - 30_000), step);
  assert.equal(matchingStep(SECRET, '081804', nowMs + 60_000), null);
  assert.equal(matchingStep(SECRET, '08180', nowMs), null);
});

test('secrets differ, and what is sealed opens for its user and key only', () => {
  assert.notEqual(newTotpSecret(), newTotpSecret());
  const key = Buffer.alloc(32, 1);
  const sealed = seal(SECRET, key, 'one');
  assert.equal(unseal(sealed, key, 'one'), SECRET);
  assert.throws(() => unseal(sealed, key, 'other'));
  assert.throws(() => unseal(sealed, Buffer.alloc(32, 2), 'one'));
});
