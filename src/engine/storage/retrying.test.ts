import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retrying } from './retrying.ts';

const limits = { shortestWaitMs: 100, longestWaitMs: 1000 };

test('waits double up to the longest, each spread over its upper half', async () => {
  const waits: number[] = [];
  const randoms = [0, 0.999, 0.5, 0, 0.999];
  const failing = retrying(
    async () => {
      throw new Error('busy');
    },
    {
      ...limits,
      attemptsAfter: () => 6,
      random: () => randoms[waits.length] ?? 0,
      sleep: async (ms) => void waits.push(Math.round(ms)),
    },
  );
  await assert.rejects(failing, /busy/);
  assert.deepEqual(waits, [50, 200, 300, 400, 1000]);
});

test('stops at the first success, and at what will not pass', async () => {
  const sleep = async () => {};
  const attempts: number[] = [];
  const work = async (attempt: number) => {
    attempts.push(attempt);
    if (attempt < 3) throw new Error('busy');
    return attempt;
  };
  assert.equal(await retrying(work, { ...limits, attemptsAfter: () => 9, sleep }), 3);
  assert.deepEqual(attempts, [1, 2, 3]);
  await assert.rejects(retrying(work, { ...limits, attemptsAfter: () => 1, sleep }), /busy/);
  assert.equal(attempts.length, 4);
});

test('an abort ends a wait at once, with its own reason', async () => {
  const ending = new AbortController();
  const failing = retrying(
    async () => {
      setTimeout(() => ending.abort(new Error('enough')), 10);
      throw new Error('busy');
    },
    { shortestWaitMs: 3_600_000, longestWaitMs: 3_600_000, attemptsAfter: () => 9, signal: ending.signal },
  );
  await assert.rejects(failing, /enough/);
});
