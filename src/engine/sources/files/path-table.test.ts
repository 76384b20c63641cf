import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../../test/support/counts.ts';
import { seededRandom } from '../../../../test/support/seed.ts';
import { pathTable } from './path-table.ts';
import { placedFiles } from './placed-files.ts';

test('paths are numbered and found again as in a Map', () => {
  const random = seededRandom('path table');
  for (let round = 0; round < count(10, 200); round += 1) {
    const table = pathTable();
    const model = new Map<string, number>();
    for (let i = 0; i < 2000; i += 1) {
      // Short ones meet again, the empty one too.
      const path = random.bytes(random.int(random.int(4) === 0 ? 300 : 3));
      const key = path.toString('latin1');
      assert.equal(table.find(path), model.get(key) ?? -1);
      if (random.int(2) === 0) continue;
      if (!model.has(key)) model.set(key, model.size);
      assert.equal(table.enter(path), model.get(key));
    }
    assert.equal(table.count, model.size);
    for (const [key, number] of model) assert.equal(table.pathOf(number).toString('latin1'), key);
  }
});

test('a placed file is known by its path, with its whole device and inode', () => {
  const placed = placedFiles();
  const file = (i: number) => ({ dev: (1n << 63n) + BigInt(i % 3), ino: (1n << 64n) - 1n - BigInt(i) });
  const path = (i: number) => `m\u00fcll/${i}`;
  const files = 50_000;
  for (let i = 0; i < files; i += 1) placed.add(path(i), file(i));
  for (let i = 0; i < files; i += 1) assert.deepEqual(placed.get(path(i)), file(i));
  assert.equal(placed.get('m\u00fcll'), null);
  const each = placed.memoryBytes / files;
  assert.ok(each < 1.5 * (path(files).length + 30), `${each} bytes for each file`);
});
