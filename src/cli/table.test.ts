import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTable } from './table.ts';

test('columns line up, wide characters included, without trailing spaces', () => {
  const rows = [
    { name: 'orders', rows: 12 },
    { name: '日本', rows: 1_000_000 },
    { name: 'a\nb', rows: 0 },
  ];
  const text = renderTable(
    [
      { title: 'table', value: (row) => row.name },
      { title: 'rows', value: (row) => String(row.rows), align: 'right' },
      { title: 'note', value: () => '' },
    ],
    rows,
  );
  assert.equal(
    text,
    ['table      rows  note', 'orders       12', '日本    1000000', 'a\\x0ab        0', ''].join('\n'),
  );
});
