import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchSize } from './retained-batches.ts';

/** Rows of the batch after so many, when each row takes so long. */
function settled(mostRows: number, msPerRow: number, batches = 40): number[] {
  const size = batchSize(mostRows);
  const seen: number[] = [];
  for (let i = 0; i < batches; i += 1) {
    seen.push(size.rows());
    size.took(size.rows() * msPerRow);
  }
  return seen;
}

test('batches settle below the target whatever a row costs, and never above the bound', () => {
  for (const msPerRow of [0.001, 0.01, 0.04, 0.1, 0.3]) {
    const seen = settled(5000, msPerRow);
    const last = seen.at(-1)!;
    assert.ok(last * msPerRow <= 50, `${last} rows of ${msPerRow} ms`);
    assert.ok(last === 5000 || last * msPerRow > 25, `${last} rows of ${msPerRow} ms`);
    assert.ok(seen.every((rows, i) => rows <= 5000 && (i === 0 || rows <= 2 * seen[i - 1]!)));
  }
  assert.equal(settled(5000, 100).at(-1), 100, 'not below the least');
  assert.deepEqual(settled(7, 100, 3), [7, 7, 7], 'but for a bound below it');
});

test('one batch that took long makes the next one small', () => {
  const size = batchSize(5000);
  for (let i = 0; i < 20; i += 1) size.took(10);
  assert.equal(size.rows(), 5000);
  size.took(1000);
  assert.ok(size.rows() <= 250, `${size.rows()}`);
});
