import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsDifference, valueDifference } from './expectation.ts';

test('a value is compared as what it is expected to be', () => {
  const same: [found: string | null, expect: Parameters<typeof valueDifference>[1]][] = [
    ['5', 5],
    ['5.0', 5],
    ['5', '5'],
    ['t', true],
    ['0', false],
    [null, null],
    ['10', { atLeast: 10, atMost: 10 }],
    ['10', { above: 9, below: 11, not: '9' }],
    ['9007199254740993', '9007199254740993'],
  ];
  for (const [found, expect] of same)
    assert.equal(valueDifference(found, expect), null, `${found} ${JSON.stringify(expect)}`);
  const other: typeof same = [
    ['5', 6],
    ['05', '5'],
    ['x', 5],
    ['', 0],
    [null, 0],
    ['0', null],
    ['f', true],
    ['9', { atLeast: 10 }],
    ['11', { atMost: 10 }],
    ['10', { above: 10 }],
    ['10', { below: 10 }],
    ['many', { atLeast: 1 }],
    [null, { atLeast: 0 }],
    ['x', { not: 'x' }],
  ];
  for (const [found, expect] of other)
    assert.notEqual(valueDifference(found, expect), null, `${found} ${JSON.stringify(expect)}`);
});

test('one value means one row; rows are compared in order', () => {
  assert.equal(rowsDifference([['3']], 3), null);
  assert.match(rowsDifference([], 3)!, /gave 0 rows/);
  assert.match(rowsDifference([['3'], ['3']], 3)!, /gave 2 rows/);
  assert.equal(
    rowsDifference(
      [
        ['1', 'a'],
        [null, 'b'],
      ],
      {
        rows: [
          [1, 'a'],
          [null, 'b'],
        ],
      },
    ),
    null,
  );
  assert.equal(rowsDifference([], { rows: [] }), null);
  assert.match(rowsDifference([['b'], ['a']], { rows: [['a'], ['b']] })!, /row 1 is \(b\) instead of \(a\)/);
  assert.match(rowsDifference([['a', 'b']], { rows: [['a']] })!, /row 1/);
  assert.match(rowsDifference([['a']], { rows: [] })!, /1 rows instead of 0/);
});
