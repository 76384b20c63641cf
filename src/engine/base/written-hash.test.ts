import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { hashWhileWriting } from './written-hash.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('hashes what lies in the file, while it grows', async (t) => {
  const path = join(await temporaryFolder(t), 'growing');
  const bytes = randomBytes(5_000_001);
  const file = await open(path, 'wx');
  const hash = hashWhileWriting(path);
  for (let at = 0; at < bytes.length; at += 700_000) {
    const piece = bytes.subarray(at, at + 700_000);
    await file.write(piece, 0, piece.length, at);
    hash.reached(at + piece.length);
  }
  assert.equal(await hash.end(), sha256(bytes));
  await file.close();
});

for (const size of [100_000, 10_000_000]) {
  test(`notices bytes of ${size} that went to the wrong place`, async (t) => {
    const path = join(await temporaryFolder(t), 'misplaced');
    const bytes = randomBytes(size);
    const file = await open(path, 'wx');
    const hash = hashWhileWriting(path);
    await file.write(bytes, 0, size / 2, 0);
    await file.write(bytes, size / 2, size / 2, size / 2 + 1);
    hash.reached(size);
    assert.notEqual(await hash.end(), sha256(bytes));
    await file.close();
  });

  test(`rejects when the file is shorter than the ${size} bytes written`, async (t) => {
    const path = join(await temporaryFolder(t), 'short');
    const file = await open(path, 'wx');
    await file.write(randomBytes(size));
    await file.close();
    await truncate(path, size - 1);
    const hash = hashWhileWriting(path);
    hash.reached(size);
    await assert.rejects(hash.end(), /shorter than what was written/);
  });
}

test('an empty file, and closing without an end', async (t) => {
  const path = join(await temporaryFolder(t), 'empty');
  await (await open(path, 'wx')).close();
  assert.equal(await hashWhileWriting(path).end(), sha256(Buffer.alloc(0)));
  const hash = hashWhileWriting(path);
  await hash.close();
  await hash.close();
});
