import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readBody } from './s3-body.ts';

const { signal } = new AbortController();
const read = (pieces: readonly string[], announced?: number) =>
  readBody(
    { Body: Readable.from(pieces.map((one) => Buffer.from(one))), ContentLength: announced },
    60_000,
    signal,
  );

test('a body is the same in whatever pieces it comes, and whether its length was announced or not', async () => {
  for (const pieces of [['abcdef'], ['ab', 'cd', 'ef'], ['', 'abcde', 'f']]) {
    assert.equal((await read(pieces, 6)).toString(), 'abcdef');
    assert.equal((await read(pieces)).toString(), 'abcdef');
  }
  assert.equal((await read([], 0)).length, 0);
  assert.equal((await readBody({}, 60_000, signal)).length, 0);
});

test('a length other than the announced one is an attempt that was lost', async () => {
  for (const announced of [5, 7, 1e15]) {
    await assert.rejects(read(['ab', 'cdef'], announced), { message: `6 of ${announced} bytes came` });
  }
});
