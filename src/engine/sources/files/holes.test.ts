import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../../test/support/seed.ts';
import { holeFinder } from './holes.ts';

async function find(file: Buffer, pieceBytes: number) {
  const written: Buffer[] = [];
  const finder = holeFinder((bytes) => void written.push(Buffer.from(bytes)));
  for (let at = 0; at < file.length; at += pieceBytes) await finder.feed(file.subarray(at, at + pieceBytes));
  return { extents: finder.end(), data: Buffer.concat(written) };
}

function putTogether(
  sizeBytes: number,
  extents: readonly (readonly [number, number])[],
  data: Buffer,
): Buffer {
  const file = Buffer.alloc(sizeBytes);
  let at = 0;
  for (const [offset, length] of extents) {
    data.copy(file, offset, at, at + length);
    at += length;
  }
  assert.equal(at, data.length);
  return file;
}

test('data and holes put together give the file, whatever its size and wherever its zeros', async () => {
  const random = seededRandom('holes');
  for (let round = 0; round < 300; round += 1) {
    const file = Buffer.alloc(random.int(200_000));
    for (let i = 0; i < random.int(6); i += 1) {
      const bytes = random.bytes(1 + random.int(9000));
      bytes.copy(file, random.int(file.length + 1));
    }
    const { extents, data } = await find(file, random.pick([4096, 8192, 65536, 1 << 20]));
    if (extents === null) assert.ok(data.equals(file));
    else {
      assert.ok(putTogether(file.length, extents, data).equals(file));
      for (let i = 1; i < extents.length; i += 1)
        assert.ok(extents[i]![0] > extents[i - 1]![0] + extents[i - 1]![1]);
    }
  }
});

test('whole files, empty files and files that are one hole', async () => {
  assert.equal((await find(Buffer.alloc(0), 4096)).extents, null);
  assert.equal((await find(Buffer.alloc(10_000, 1), 4096)).extents, null);
  assert.deepEqual((await find(Buffer.alloc(10_000), 4096)).extents, []);
  const tail = Buffer.alloc(10_000);
  tail[9_999] = 1;
  assert.deepEqual((await find(tail, 4096)).extents, [[8192, 1808]]);
});

test('a file of nothing but small holes has a bounded list of extents, and is the same', async () => {
  const blocks = 40_000;
  const file = Buffer.alloc(blocks * 4096);
  for (let i = 0; i < blocks; i += 2) file[i * 4096] = 1;
  const { extents, data } = await find(file, 1 << 20);
  assert.ok(extents!.length <= 4096 + 1, `${extents!.length} extents`);
  assert.ok(putTogether(file.length, extents!, data).equals(file));
});
