import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../../test/support/seed.ts';
import { runTasks, type Task } from './run-tasks.ts';

type Random = ReturnType<typeof seededRandom>;

const TASKS = 60;
const turns = async (count: number) => {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
};

/** Tasks that check, when they run, that all they depend on has ended and nobody disturbs them. */
function watchedTasks(random: Random): { tasks: Task<number>[]; ended: Set<number> } {
  const tasks: Task<number>[] = [];
  const ended = new Set<number>();
  const running = new Set<Task<number>>();
  for (let number = 0; number < TASKS; number += 1) {
    const after = tasks.filter(() => random.int(12) === 0);
    const afterNumbers = after.map((task) => tasks.indexOf(task));
    const names = ['a', 'b', 'c', 'd'].filter(() => random.int(4) === 0);
    const isHolding = random.int(2) === 0;
    const task: Task<number> = {
      weight: random.int(100),
      after,
      ...(isHolding ? { holds: names } : { shares: names }),
      async run() {
        for (const before of afterNumbers) assert.ok(ended.has(before), `${number} came before ${before}`);
        for (const other of running) {
          const held = [...(other.holds ?? []), ...(isHolding ? (other.shares ?? []) : [])];
          assert.ok(!names.some((name) => held.includes(name)), `${number} was disturbed`);
        }
        running.add(task);
        await turns(random.int(4));
        running.delete(task);
        ended.add(number);
      },
    };
    tasks.push(task);
  }
  return { tasks, ended };
}

test('every task runs once, after what it waits for, beside nothing it excludes', async () => {
  const random = seededRandom('run tasks');
  for (let round = 0; round < 30; round += 1) {
    const { tasks, ended } = watchedTasks(random);
    await runTasks(tasks, [1, 2, 3]);
    assert.equal(ended.size, TASKS);
  }
});

test('the heaviest that can start goes first', async () => {
  const order: number[] = [];
  const task = (weight: number, after: Task<null>[] = []): Task<null> => ({
    weight,
    after,
    async run() {
      order.push(weight);
    },
  });
  const light = task(1);
  await runTasks([task(2), light, task(9, [light]), task(5)], [null]);
  assert.deepEqual(order, [5, 2, 1, 9]);
});

test('workers work at the same time, and one waits while there is nothing to start', async () => {
  let running = 0;
  let most = 0;
  const busy = (after: Task<null>[]): Task<null> => ({
    weight: 1,
    after,
    async run() {
      running += 1;
      most = Math.max(most, running);
      await turns(3);
      running -= 1;
    },
  });
  const first = busy([]);
  await runTasks([first, busy([first]), busy([first])], [null, null]);
  assert.equal(most, 2);
});

test('after a failure nothing new starts, and it is the first one that is told', async () => {
  const told: unknown[] = [];
  let ended = 0;
  const failing: Task<null> = {
    weight: 9,
    after: [],
    run: () => Promise.reject(new Error('first')),
  };
  const slow: Task<null> = {
    weight: 8,
    after: [],
    async run() {
      await turns(5);
      ended += 1;
      throw new Error('second');
    },
  };
  const never: Task<null> = { weight: 1, after: [], run: () => assert.fail('started after the failure') };
  await assert.rejects(
    runTasks([failing, slow, never], [null, null], (error) => told.push(error)),
    /first/,
  );
  assert.equal(ended, 1);
  assert.equal(told.length, 1);
});

test('a circle is an error instead of an endless wait', async () => {
  const after: Task<null>[] = [];
  const task: Task<null> = { weight: 1, after, run: async () => {} };
  after.push(task);
  await assert.rejects(runTasks([task], [null]), /wait for one another/);
});
