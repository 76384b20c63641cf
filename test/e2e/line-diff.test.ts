import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff } from '../../web/src/documents/line-diff.ts';
import { seededRandom } from '../support/seed.ts';

const shown = (theirs: string, mine: string) =>
  lineDiff(theirs, mine).map(({ text, side }) => `${{ theirs: '-', mine: '+', both: ' ' }[side]}${text}`);

test('what differs is told line by line, and only that', () => {
  assert.deepEqual(shown('a\nb\nc', 'a\nx\nc\nd'), [' a', '-b', '+x', ' c', '+d']);
  assert.deepEqual(shown('same\nlines', 'same\nlines'), [' same', ' lines']);
});

test('either side is whole in every difference, and the same on both sides is never told apart', () => {
  const random = seededRandom('line-diff');
  for (let round = 0; round < 200; round += 1) {
    const text = () => Array.from({ length: random.int(12) }, () => random.pick(['a', 'b', 'c'])).join('\n');
    const [theirs, mine] = [text(), text()];
    const lines = lineDiff(theirs, mine);
    const of = (side: string) =>
      lines
        .filter((line) => line.side !== side)
        .map((line) => line.text)
        .join('\n');
    assert.equal(of('mine'), theirs);
    assert.equal(of('theirs'), mine);
    if (theirs === mine) assert.ok(lines.every(({ side }) => side === 'both'));
  }
});
