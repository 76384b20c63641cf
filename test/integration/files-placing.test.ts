/** Trees placed by a thread of its own, and by none: the same files, the same errors, nothing left open. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareTrees, restoreTree } from '../../src/engine/sources/files/index.ts';
import { backUp, memoryStore } from '../support/memory-tree.ts';
import { seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const handles = () => fs.readdirSync('/proc/self/fd').length;

test('more data than all slots hold comes back the same, with and without a thread', async (t) => {
  const random = seededRandom('placing');
  const folder = await temporaryFolder(t);
  const source = join(folder, 'source');
  fs.mkdirSync(join(source, 'many'), { recursive: true });
  for (let i = 0; i < 1500; i += 1) {
    fs.writeFileSync(join(source, 'many', String(i)), Buffer.alloc(random.int(2000), i));
  }
  // Across slots, and exactly as long as one.
  fs.writeFileSync(join(source, 'large'), Buffer.alloc(11_000_003, 'large'));
  fs.writeFileSync(join(source, 'slot'), Buffer.alloc(1 << 20, 'slot'));
  fs.linkSync(join(source, 'large'), join(source, 'link'));
  const store = memoryStore();
  const { content } = await backUp(store, source);
  for (const useThread of [true, false]) {
    const target = join(folder, `target-${useThread}`);
    const before = handles();
    const report = await restoreTree({ reader: store.reader, content, target, useThread });
    assert.deepEqual(compareTrees(source, target), []);
    assert.equal(report.files, 1503);
    assert.equal(report.hardLinks, 1);
    assert.equal(handles(), before);
  }
});

for (const useThread of [true, false]) {
  const how = useThread ? 'in a thread' : 'in this thread';
  test(`what cannot be written fails by its own code and name, and closes everything: ${how}`, async (t) => {
    const folder = await temporaryFolder(t);
    fs.mkdirSync(join(folder, 'source/sub'), { recursive: true });
    for (const name of ['a', 'b', 'sub/c']) fs.writeFileSync(join(folder, 'source', name), name);
    const store = memoryStore();
    const { content } = await backUp(store, join(folder, 'source'));
    const target = join(folder, 'target');
    fs.mkdirSync(target);
    const reader = {
      ...store.reader,
      async *read(...given: Parameters<typeof store.reader.read>) {
        for await (const bytes of store.reader.read(...given)) {
          // Takes the place of a file that is yet to come.
          if (bytes.toString() === 'b') fs.mkdirSync(join(target, 'b'));
          yield bytes;
        }
      },
    };
    const before = handles();
    await assert.rejects(restoreTree({ reader, content, target, useThread }), {
      code: 'target_not_empty',
      message: 'b is there already',
    });
    assert.equal(handles(), before);
    assert.ok(!fs.readdirSync(target).some((name) => name.startsWith('.holdfast')));
  });

  test(`an interrupted restore ends as interrupted, and a missing target stays missing: ${how}`, async (t) => {
    const folder = await temporaryFolder(t);
    fs.mkdirSync(join(folder, 'source'));
    for (let i = 0; i < 50; i += 1) fs.writeFileSync(join(folder, 'source', String(i)), String(i));
    const store = memoryStore();
    const { content } = await backUp(store, join(folder, 'source'));
    const stopping = new AbortController();
    const progress = {
      phase() {},
      warn() {},
      advance: ({ entries }: { entries?: number }) => entries && stopping.abort(),
    };
    const target = join(folder, 'target');
    const { signal } = stopping;
    const run = restoreTree({ reader: store.reader, content, target, useThread, signal, progress });
    await assert.rejects(run, { code: 'interrupted' });
    assert.deepEqual(fs.readdirSync(folder), ['source']);
  });
}
