import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReadyEntries, TreeEntry } from '../port.ts';
import { previousCursor } from './previous-cursor.ts';

const entry = (path: string) => ({ path: Buffer.from(path) }) as TreeEntry;

/** Entries of which so many are at hand at a time; 0: none ever. Counts what had to be waited for. */
function entriesOf(paths: readonly string[], atHand: number) {
  let next = 0;
  let ready = 0;
  const told = { waits: 0, returned: false };
  const take = () => {
    next += 1;
    return entry(paths[next - 1]!);
  };
  const iterator = {
    ready() {
      if (ready === 0 || next === paths.length) return null;
      ready -= 1;
      return take();
    },
    async next() {
      told.waits += 1;
      ready = Math.max(0, atHand - 1);
      if (next === paths.length) return { value: undefined, done: true as const };
      return { value: take(), done: false as const };
    },
    async return() {
      told.returned = true;
      return { value: undefined, done: true as const };
    },
  };
  const entries: ReadyEntries = { [Symbol.asyncIterator]: () => iterator };
  return { entries, told };
}

const PATHS = ['', 'a', 'a/b', 'a/c', 'd', 'e', 'g/h', 'i'];
const ASKED = ['', 'a', 'a/b', 'a/bb', 'b', 'd', 'f', 'g/h', 'z', 'zz'];

test('each path asked for is found, whatever lies between and however entries come', async () => {
  const expected = ASKED.map((path) => (PATHS.includes(path) ? path : null));
  for (const atHand of [0, 1, 2, 3, 100]) {
    const { entries, told } = entriesOf(PATHS, atHand);
    const cursor = previousCursor(entries);
    const found = [];
    for (const path of ASKED) found.push((await cursor.find(Buffer.from(path)))?.path.toString() ?? null);
    assert.deepEqual(found, expected, `${atHand} at hand`);
    assert.equal(told.waits, atHand === 0 ? PATHS.length + 1 : Math.ceil(PATHS.length / atHand) + 1);
  }
});

test('what is at hand is answered without a promise', async () => {
  const cursor = previousCursor(entriesOf(PATHS, 100).entries);
  await cursor.find(Buffer.from(''));
  assert.ok(!(cursor.find(Buffer.from('a/b')) instanceof Promise));
  assert.equal(previousCursor(null).find(Buffer.from('a')), null);
});

test('closing before the end ends the reading, after it there is nothing to end', async () => {
  const early = entriesOf(PATHS, 2);
  await previousCursor(early.entries).close();
  assert.equal(early.told.returned, true);
  const late = entriesOf(PATHS, 2);
  const cursor = previousCursor(late.entries);
  await cursor.find(Buffer.from('zzz'));
  await cursor.close();
  assert.equal(late.told.returned, false);
});
