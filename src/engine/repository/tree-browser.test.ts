import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeEntry } from '../sources/port.ts';
import { findTreeEntry, listTreeFolder } from './tree-browser.ts';

const PATHS = ['', 'a', 'a/b', 'a/b/c', 'a/b/d', 'a/e', 'a!', 'a!/x', 'ab', 'ab/y', 'z'];

/** The browser looks at paths alone. */
async function* batches(size: number): AsyncGenerator<TreeEntry[]> {
  for (let i = 0; i < PATHS.length; i += size) {
    yield PATHS.slice(i, i + size).map((path) => ({ path: Buffer.from(path) }) as TreeEntry);
  }
}

async function list(folder: string, size: number, deep = false): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of listTreeFolder(batches(size), Buffer.from(folder), deep))
    found.push(path.toString());
  return found;
}

test('a folder lists its own children, wherever batches are cut', async () => {
  for (let size = 1; size <= PATHS.length; size += 1) {
    assert.deepEqual(await list('', size), ['a', 'a!', 'ab', 'z']);
    assert.deepEqual(await list('a', size), ['a/b', 'a/e']);
    assert.deepEqual(await list('a/b', size), ['a/b/c', 'a/b/d']);
    assert.deepEqual(await list('a!', size), ['a!/x']);
    assert.deepEqual(await list('z', size), []);
    assert.deepEqual(await list('none', size), []);
    assert.deepEqual(await list('a', size, true), ['a/b', 'a/b/c', 'a/b/d', 'a/e']);
  }
});

test('one path is found, or null', async () => {
  for (let size = 1; size <= PATHS.length; size += 1) {
    for (const path of PATHS) {
      assert.equal((await findTreeEntry(batches(size), Buffer.from(path)))?.path.toString(), path);
    }
    for (const path of ['A', 'a/', 'a/b/cc', 'zz', 'a#']) {
      assert.equal(await findTreeEntry(batches(size), Buffer.from(path)), null);
    }
  }
});
