import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom, seededRandom } from '../../../test/support/seed.ts';
import { type Chunker, contentChunker, fixedChunker } from './chunker.ts';

const PROFILE = { minBytes: 256, normalBytes: 1024, maxBytes: 4096, bitsEarly: 12, bitsLate: 8 };
const GEAR = Uint32Array.from({ length: 256 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0);

function cuts(chunker: Chunker, bytes: Uint8Array): number[] {
  const ends: number[] = [];
  let start = 0;
  for (
    let end = chunker.next(bytes, start, bytes.length);
    end > 0;
    end = chunker.next(bytes, start, bytes.length)
  ) {
    ends.push(end);
    start = end;
  }
  return ends;
}

test('chunks keep to minimum and maximum, and the average is near normal', () => {
  const bytes = seededRandom('chunker').bytes(1 << 20);
  const ends = cuts(contentChunker(PROFILE, GEAR), bytes);
  const lengths = ends.map((end, i) => end - (ends[i - 1] ?? 0));
  assert.ok(lengths.every((length) => length > PROFILE.minBytes && length <= PROFILE.maxBytes));
  const average = ends.at(-1)! / ends.length;
  assert.ok(average > 0.6 * PROFILE.normalBytes && average < 1.8 * PROFILE.normalBytes, `average ${average}`);
});

test('bytes without any border are cut at the maximum', () => {
  const never = contentChunker({ ...PROFILE, bitsEarly: 32, bitsLate: 32 }, GEAR);
  assert.deepEqual(cuts(never, new Uint8Array(3 * 4096 + 5)), [4096, 8192, 12288]);
});

test('an insertion moves only the borders near it', () => {
  const random = randomFrom(7);
  const before = random.bytes(200_000);
  const after = Buffer.concat([
    before.subarray(0, 100_000),
    Buffer.from('inserted'),
    before.subarray(100_000),
  ]);
  const chunker = contentChunker(PROFILE, GEAR);
  const contents = (bytes: Buffer) => {
    let start = 0;
    return cuts(chunker, bytes).map((end) => {
      const chunk = bytes.toString('latin1', start, end);
      start = end;
      return chunk;
    });
  };
  const old = new Set(contents(before));
  const fresh = contents(after).filter((chunk) => !old.has(chunk));
  assert.ok(fresh.length >= 1 && fresh.length <= 8, `${fresh.length} new chunks`);
});

test('another gear table gives other borders', () => {
  const bytes = randomFrom(3).bytes(100_000);
  const other = GEAR.map((value) => Math.imul(value, 0x85ebca6b) >>> 0);
  assert.notDeepEqual(
    cuts(contentChunker(PROFILE, GEAR), bytes),
    cuts(contentChunker(PROFILE, other), bytes),
  );
});

test('fixed chunks are cut at every multiple and nowhere else', () => {
  assert.deepEqual(cuts(fixedChunker(4096), new Uint8Array(10_000)), [4096, 8192]);
});
