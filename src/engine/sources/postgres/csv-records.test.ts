import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvRecords } from './csv-records.ts';

const CSV = 'id,"na\nme"\n1,"a ""b""\n"\n2,\n3,""\n4,"x,\n\ny"\n5,z\n';
const RECORDS = ['1,"a ""b""\n"\n', '2,\n', '3,""\n', '4,"x,\n\ny"\n', '5,z\n'];

test('records are cut wherever the pieces end, and without the header', async () => {
  for (let piece = 1; piece <= CSV.length; piece += 1) {
    for (const size of [1, 2, 5, 100]) {
      const scratch = Buffer.alloc(piece);
      const pieces = async function* () {
        for (let at = 0; at < CSV.length; at += piece) {
          // The memory of a piece is used again.
          yield scratch.subarray(0, scratch.write(CSV.slice(at, at + piece)));
        }
      };
      const found: string[] = [];
      let rows = 0;
      for await (const group of csvRecords(pieces(), size)) {
        assert.ok(group.rows <= size);
        found.push(group.bytes.toString());
        rows += group.rows;
      }
      assert.equal(found.join(''), RECORDS.join(''));
      assert.equal(rows, RECORDS.length);
      if (size === 1) assert.deepEqual(found, RECORDS);
    }
  }
});

test('a group ends early when its records are large', async () => {
  const groups: string[] = [];
  for await (const { bytes, rows } of csvRecords(
    (async function* () {
      for (let at = 0; at < CSV.length; at += 3) yield Buffer.from(CSV.slice(at, at + 3));
    })(),
    100,
    9,
  )) {
    assert.ok(rows < 5);
    groups.push(bytes.toString());
  }
  assert.equal(groups.join(''), RECORDS.join(''));
  assert.deepEqual(groups[0], RECORDS[0]);
});
