import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { collect } from '../../src/engine/base/bytes.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { randomFrom } from '../support/seed.ts';

const MANY_BYTES = 40 * 2 ** 20;

async function namesOf(storage: Storage, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of storage.list(prefix)) names.push(name);
  return names;
}

/** The one suite every storage passes. `make` gives an empty one. */
export function storageConformance(kind: string, make: (t: TestContext) => Promise<Storage>): void {
  describe(`storage: ${kind}`, () => {
    objects(make);
    names(make);
    streams(make);
  });
}

function objects(make: (t: TestContext) => Promise<Storage>): void {
  test('an object is read back whole, in ranges, and beyond its end', async (t) => {
    const storage = await make(t);
    const bytes = randomFrom(1).bytes(100_000);
    assert.equal(await storage.put('a/b', [bytes.subarray(0, 10), bytes.subarray(10)]), 'created');
    assert.deepEqual(await storage.get('a/b'), bytes);
    assert.deepEqual(await storage.get('a/b', { offset: 500, length: 3 }), bytes.subarray(500, 503));
    assert.deepEqual(await storage.get('a/b', { offset: 99_990, length: 100 }), bytes.subarray(99_990));
    assert.equal((await storage.get('a/b', { offset: 200_000, length: 5 })).length, 0);
    assert.equal((await storage.stat('a/b'))?.sizeBytes, 100_000);
  });

  test('an empty object is an object', async (t) => {
    const storage = await make(t);
    assert.equal(await storage.put('empty', Buffer.alloc(0)), 'created');
    assert.equal((await storage.get('empty')).length, 0);
    assert.deepEqual(await namesOf(storage), ['empty']);
  });

  test('nothing is overwritten: of 12 racing writers one wins, and its bytes stay', async (t) => {
    const storage = await make(t);
    const contents = Array.from({ length: 12 }, (_, i) => Buffer.alloc(50_000 + i, `${i}`));
    const outcomes = await Promise.all(contents.map((content) => storage.put('same', content)));
    assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1);
    assert.deepEqual(await storage.get('same'), contents[outcomes.indexOf('created')]);
    assert.equal(await storage.put('same', Buffer.from('later')), 'exists');
    assert.equal((await storage.get('same')).length, contents[outcomes.indexOf('created')]!.length);
  });

  test('what is missing says so, and removing it again succeeds', async (t) => {
    const storage = await make(t);
    await assert.rejects(storage.get('no/such'), { code: 'object_missing' });
    await assert.rejects(collect(storage.open('no/such')), { code: 'object_missing' });
    assert.equal(await storage.stat('no/such'), null);
    await storage.put('x/y', Buffer.from('1'));
    await storage.remove('x/y');
    await storage.remove('x/y');
    assert.equal(await storage.stat('x/y'), null);
    assert.equal(await storage.put('x/y', Buffer.from('2')), 'created');
  });
}

function names(make: (t: TestContext) => Promise<Storage>): void {
  test('listing is in bytewise order of the whole name, by any prefix', async (t) => {
    const storage = await make(t);
    const all = ['a', 'a-b', 'a.c', 'a/b', 'a/c/d', 'aa', 'b/1', 'b/10', 'b/2', 'Z'];
    for (const name of [...all].reverse()) await storage.put(name === 'a' ? 'a0' : name, Buffer.from(name));
    const wanted = all.map((name) => (name === 'a' ? 'a0' : name)).sort();
    assert.deepEqual(await namesOf(storage), wanted);
    assert.deepEqual(await namesOf(storage, 'b/'), ['b/1', 'b/10', 'b/2']);
    assert.deepEqual(await namesOf(storage, 'b/1'), ['b/1', 'b/10']);
    assert.deepEqual(await namesOf(storage, 'a/'), ['a/b', 'a/c/d']);
    assert.deepEqual(await namesOf(storage, 'nothing/'), []);
  });

  test('names that could lead anywhere else are refused before anything is touched', async (t) => {
    const storage = await make(t);
    const bad = ['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/./b', 'a b', 'a\0b', 'ä', 'a\\b', '%2e%2e'];
    for (const name of bad) {
      await assert.rejects(storage.put(name, Buffer.from('x')), { code: 'storage_name_invalid' }, name);
      await assert.rejects(storage.get(name), { code: 'storage_name_invalid' }, name);
      await assert.rejects(storage.remove(name), { code: 'storage_name_invalid' }, name);
    }
    assert.deepEqual(await namesOf(storage), []);
  });
}

function streams(make: (t: TestContext) => Promise<Storage>): void {
  test('a large stream goes in and comes out in parts', async (t) => {
    const storage = await make(t);
    const part = randomFrom(2).bytes(2 ** 20);
    async function* parts() {
      for (let i = 0; i < MANY_BYTES / part.length; i += 1) yield part;
    }
    assert.equal(await storage.put('large', parts()), 'created');
    assert.equal((await storage.stat('large'))?.sizeBytes, MANY_BYTES);
    let read = 0;
    for await (const bytes of storage.open('large')) {
      assert.equal(bytes[0], part[read % part.length]);
      read += bytes.length;
    }
    assert.equal(read, MANY_BYTES);
  });

  test('a stream that fails, or a signal, leaves no object', async (t) => {
    const storage = await make(t);
    async function* failing() {
      yield Buffer.alloc(100_000);
      throw new Error('the source broke');
    }
    await assert.rejects(storage.put('broken', failing()), /the source broke/);
    const ending = new AbortController();
    async function* aborted() {
      yield Buffer.alloc(100_000);
      ending.abort();
      yield Buffer.alloc(100_000);
    }
    await assert.rejects(storage.put('aborted', aborted(), { signal: ending.signal }));
    assert.deepEqual(await namesOf(storage), []);
  });
}
