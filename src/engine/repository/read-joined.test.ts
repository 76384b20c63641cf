import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect } from '../base/bytes.ts';
import type { Content } from '../sources/port.ts';
import { readJoined } from './read-joined.ts';
import { lengthOfRef, REF_BYTES, writeRef } from './refs.ts';

/** A content of chunks that are filled with the number at the start of their id. */
function contentOf(chunks: readonly (readonly [id: number, lengthBytes: number])[], depth = 0): Content {
  const refs = Buffer.alloc(chunks.length * REF_BYTES);
  for (const [i, [id, lengthBytes]] of chunks.entries())
    writeRef(refs, i * REF_BYTES, Buffer.alloc(32, id), lengthBytes, 7);
  return { depth, refs, sizeBytes: chunks.reduce((sum, [, lengthBytes]) => sum + lengthBytes, 0) };
}

function recordingReader() {
  const asked: Content[] = [];
  return {
    asked,
    async *read(content: Content) {
      asked.push(content);
      for (let at = 0; at < content.refs.length; at += REF_BYTES)
        yield Buffer.alloc(lengthOfRef(content.refs, at), content.refs[at]);
    },
  };
}

test('many small contents are read as one, in order, around those with lists', async () => {
  const reader = recordingReader();
  const contents = [
    contentOf([[1, 3]]),
    contentOf([]),
    contentOf([
      [2, 2],
      [3, 1],
    ]),
    contentOf([[4, 5]], 1),
    contentOf([[5, 1]]),
  ];
  const bytes = await collect(readJoined(reader.read, contents));
  assert.equal(bytes.toString('hex'), '010101020203040404040405');
  assert.deepEqual(
    reader.asked.map(({ depth, sizeBytes }) => [depth, sizeBytes]),
    [
      [0, 6],
      [1, 5],
      [0, 1],
    ],
  );
});

test('a content of another size than its references is refused before any byte of it, or bytes would go to the next file', async () => {
  const reader = recordingReader();
  const wrong = { ...contentOf([[2, 2]]), sizeBytes: 3 };
  await assert.rejects(collect(readJoined(reader.read, [contentOf([[1, 1]]), wrong, contentOf([[3, 1]])])), {
    code: 'object_damaged',
  });
  assert.equal(reader.asked.length, 0);
});
