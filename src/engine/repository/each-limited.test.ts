import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { eachLimited } from './each-limited.ts';

async function* numbers(count: number) {
  for (let i = 0; i < count; i += 1) yield i;
}

test('everything is worked on, never more than the limit at a time', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await eachLimited(numbers(20), 3, async (i) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn <= i % 4; turn += 1) await nextTurn();
    running -= 1;
    done.push(i);
  });
  assert.equal(most, 3);
  assert.deepEqual(
    done.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('the first failure stops it, after what had begun', async () => {
  const begun: number[] = [];
  let running = 0;
  const work = async (i: number) => {
    begun.push(i);
    running += 1;
    await nextTurn();
    running -= 1;
    if (i === 2) throw new Error('third');
  };
  await assert.rejects(eachLimited(numbers(100), 2, work), /third/);
  assert.ok(begun.length < 10);
  assert.equal(running, 0);
});
