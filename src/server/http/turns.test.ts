import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { turns } from './turns.ts';

/** Work that ends when it is told to. */
function works() {
  const open: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => open.push(resolve));
  return { open, work };
}

const never = new AbortController().signal;

test('so much runs at once, the rest follows in order, and a full line is refused', async () => {
  const line = turns({ atOnce: 2, inLine: 2 });
  const { open, work } = works();
  const all = Array.from({ length: 5 }, () => line.take(never, work));
  await assert.rejects(all[4]!, { code: 'too_many_attempts' });
  await setImmediate();
  assert.equal(open.length, 2);
  open[0]!();
  await all[0];
  await setImmediate();
  assert.equal(open.length, 3);
  for (const end of open) end();
  await setImmediate();
  for (const end of open) end();
  await Promise.all(all.slice(0, 4));
  // All places are free again.
  const again = [line.take(never, work), line.take(never, work)];
  await setImmediate();
  assert.equal(open.length, 6);
  for (const end of open) end();
  await Promise.all(again);
});

test('whoever goes away leaves the line, and a failure gives its place on', async () => {
  const line = turns({ atOnce: 1, inLine: 5 });
  const { open, work } = works();
  const first = line.take(never, work);
  const away = new AbortController();
  const second = line.take(away.signal, work);
  const third = line.take(never, async () => {
    throw new Error('broken');
  });
  const fourth = line.take(never, async () => 'done');
  const refused = assert.rejects(third, /broken/);
  await setImmediate();
  away.abort(new Error('nobody waits'));
  await assert.rejects(second, /nobody waits/);
  open[0]!();
  await first;
  await refused;
  assert.equal(await fourth, 'done');
  assert.equal(open.length, 1);
});

test('whoever goes away in the moment of its turn takes nobody along', async () => {
  const line = turns({ atOnce: 1, inLine: 5 });
  const { open, work } = works();
  const first = line.take(never, work);
  const away = new AbortController();
  const second = line.take(away.signal, async () => 'too late');
  const third = line.take(never, async () => 'done');
  await setImmediate();
  // Its turn is given in a microtask, and it leaves in the next.
  open[0]!();
  queueMicrotask(() => away.abort(new Error('nobody waits')));
  await first;
  await second.catch(() => {});
  assert.equal(await third, 'done');
});
