import assert from 'node:assert/strict';
import test from 'node:test';
import type { Content, ReadyEntries, TreeEntry } from '../sources/port.ts';
import { refsPresent, reusableEntries } from './reusable-entries.ts';

const content = (depth: number, refs = Buffer.alloc(36)): Content => ({ sizeBytes: 1, depth, refs });
const entry = (path: string, depth: number | null) =>
  ({ path: Buffer.from(path), content: depth === null ? null : content(depth) }) as TreeEntry;

const ENTRIES = [entry('a', null), entry('b', 0), entry('c', 1), entry('d', 2), entry('e', 0), entry('f', 1)];

function given(atHand: boolean): ReadyEntries {
  let next = 0;
  const take = () => ENTRIES[next++];
  return {
    [Symbol.asyncIterator]: () => ({
      ...(atHand ? { ready: () => take() ?? null } : {}),
      async next() {
        const value = take();
        return value ? { value, done: false } : { value: undefined, done: true };
      },
    }),
  };
}

/** As a cursor takes them: what is ready first, then what is to be waited for. */
async function taken(entries: ReadyEntries, log: string[] = []): Promise<string[]> {
  const iterator = entries[Symbol.asyncIterator]();
  for (;;) {
    const ready = iterator.ready?.() ?? null;
    if (ready !== null) {
      log.push(`${ready.path}`);
      continue;
    }
    const { value, done } = await iterator.next();
    if (done === true) return log;
    log.push(`${value.path}`);
  }
}

test('an entry whose lists are not whole is left out, all others come in order', async () => {
  const asked: number[] = [];
  const isWhole = async ({ depth }: Content) => {
    asked.push(depth);
    return depth !== 1;
  };
  for (const atHand of [true, false]) {
    assert.deepEqual(await taken(reusableEntries(given(atHand), isWhole)), ['a', 'b', 'd', 'e']);
    const plain = [];
    for await (const { path } of reusableEntries(given(atHand), isWhole)) plain.push(`${path}`);
    assert.deepEqual(plain, ['a', 'b', 'd', 'e']);
  }
  assert.deepEqual(asked, [1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1]);
});

test('every reference is looked at, where it lies, and a list that is cut is refused', () => {
  const refs = Buffer.concat([Buffer.alloc(36, 1), Buffer.alloc(36, 2), Buffer.alloc(36, 3)]);
  const seen: number[] = [];
  const has = (bytes: Buffer, at: number) => {
    seen.push(bytes[at]!);
    return bytes[at] !== 3;
  };
  assert.equal(refsPresent(content(0, refs), has), false);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(refsPresent(content(0, refs.subarray(0, 72)), has), true);
  assert.throws(() => refsPresent(content(0, refs.subarray(0, 70)), has), { code: 'object_damaged' });
});
