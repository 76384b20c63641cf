import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Ahead, inOrder } from './in-order.ts';

/** Works of which each ends when it is told. */
function works() {
  const begun: number[] = [];
  const ends = new Map<number, { resolve: (n: number) => void; reject: (error: Error) => void }>();
  return {
    begun,
    work(n: number): Promise<number> {
      begun.push(n);
      return new Promise((resolve, reject) => ends.set(n, { resolve, reject }));
    },
    end: (n: number) => ends.get(n)!.resolve(n),
    fail: (n: number) => ends.get(n)!.reject(new Error(`work ${n}`)),
  };
}

const ITEMS = [0, 1, 2, 3, 4, 5];

const started = (ahead: Ahead<number>) => {
  const at = works();
  const results = inOrder(ITEMS, at.work, ahead);
  return { ...at, results, first: results.next() };
};

test('as many are under way as may be, and results come in the order of the items', async () => {
  const { begun, end, results, first } = started({ atOnce: 3 });
  assert.deepEqual(begun, [0, 1, 2]);
  end(1);
  end(0);
  assert.deepEqual(await first, { done: false, value: 0 });
  const second = results.next();
  assert.deepEqual(begun, [0, 1, 2, 3]);
  assert.deepEqual(await second, { done: false, value: 1 });
  const rest = (async () => {
    const left: number[] = [];
    for await (const n of results) left.push(n);
    return left;
  })();
  for (const n of [2, 3, 4, 5]) {
    await setImmediate();
    end(n);
  }
  assert.deepEqual(await rest, [2, 3, 4, 5]);
});

test('who begins with one asks for two more once it was taken', async () => {
  const { begun, end, results, first } = started({ atOnce: 4, atFirst: 1 });
  assert.deepEqual(begun, [0]);
  end(0);
  await first;
  const second = results.next();
  assert.deepEqual(begun, [0, 1, 2]);
  end(1);
  await second;
  void results.next();
  assert.deepEqual(begun, ITEMS);
});

test('bytes under way are bounded, but for one item', async () => {
  const { begun, end, results, first } = started({
    atOnce: 6,
    bytesAtOnce: 10,
    sizeOf: (n) => (n < 2 ? 4 : 30),
  });
  assert.deepEqual(begun, [0, 1]);
  end(0);
  await first;
  const second = results.next();
  assert.deepEqual(begun, [0, 1]);
  end(1);
  await second;
  void results.next();
  assert.deepEqual(begun, [0, 1, 2]);
});

test('a failure comes when its turn comes, and nothing is under way afterwards', async () => {
  const { end, fail, results, first } = started({ atOnce: 3 });
  fail(1);
  await setImmediate();
  end(0);
  await first;
  let isOver = false;
  const second = assert.rejects(results.next(), { message: 'work 1' }).then(() => {
    isOver = true;
  });
  await setImmediate();
  assert.equal(isOver, false, 'others are still under way');
  end(2);
  end(3);
  await second;
});
