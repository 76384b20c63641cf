import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteBudget } from './byte-budget.ts';

test('what is out never exceeds the total, in the order of asking', async () => {
  const budget = byteBudget(10);
  const order: string[] = [];
  const take = async (name: string, bytes: number) => {
    await budget.take(bytes);
    order.push(name);
  };
  await take('a', 6);
  const waiting = [take('b', 6), take('c', 1)];
  await Promise.resolve();
  assert.deepEqual(order, ['a'], 'c does not pass b, though it would fit');
  budget.give(6);
  await Promise.all(waiting);
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('a part larger than everything gets in alone', async () => {
  const budget = byteBudget(10);
  await budget.take(100);
  let isIn = false;
  const later = budget.take(1).then(() => {
    isIn = true;
  });
  await Promise.resolve();
  assert.equal(isIn, false);
  budget.give(100);
  await later;
});

test('a failure reaches who waits and who comes later', async () => {
  const budget = byteBudget(1);
  await budget.take(1);
  const waiting = budget.take(1);
  budget.fail(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  await assert.rejects(budget.take(1), /gone/);
});
