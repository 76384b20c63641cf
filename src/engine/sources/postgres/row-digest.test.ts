import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from '../../../../test/support/seed.ts';
import { COPY_TERMINATOR, rowDigest } from './row-digest.ts';

function naive(data: Buffer) {
  return {
    sha256: createHash('sha256').update(data).digest('hex'),
    rows: data.filter((byte) => byte === 0x0a).length,
  };
}

test('counts and hashes like the obvious way, for pieces of any size around its buffer', () => {
  const random = seededRandom('row digest');
  for (let run = 0; run < 60; run += 1) {
    const length = random.pick([0, 1, 5, 131_064, 131_072, 131_073, 262_136, 400_001]) + random.int(9);
    const data = random.bytes(length);
    // Bytes next to 0x0a and 0x8a are where counting four at a time goes wrong.
    for (let i = 0; i < length; i += 1)
      if (data[i]! < 100) data[i] = [0x0a, 0x0b, 0x09, 0x8a, 0x00][data[i]! % 5]!;
    const seen: Buffer[] = [];
    const digest = rowDigest((bytes) => seen.push(Buffer.from(bytes)));
    const all = Buffer.concat([data, COPY_TERMINATOR]);
    for (let at = 0; at < all.length; ) {
      const end = Math.min(all.length, at + 1 + random.int(random.pick([3, 60, 100_000])));
      digest.append(all, at, end);
      at = end;
    }
    assert.deepEqual(digest.finish(), { ...naive(data), terminated: true });
    assert.ok(Buffer.concat(seen).equals(data), 'the bytes handed on are the rows without the end marker');
  }
});

test('tells when the end marker is missing', () => {
  const digest = rowDigest();
  digest.append(Buffer.from('1\n\\.\n\n'), 0, 6);
  const { terminated, rows } = digest.finish();
  assert.deepEqual({ terminated, rows }, { terminated: false, rows: 3 });
});
