import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../../test/support/seed.ts';
import { codeOf } from '../base/errors.ts';
import { decodeRecord, decodeRecordNow } from './block-codec.ts';
import { canBeDictionary, compressDelta, joinBases, MAX_DICTIONARY_BYTES } from './delta-codec.ts';
import { ENCODINGS } from './pack-toc.ts';

const random = randomFrom(5);
const recordOf = (frame: Buffer) => Buffer.concat([Buffer.of(ENCODINGS.delta), frame]);

test('what is close to its dictionary becomes tiny, whatever the sizes', async () => {
  for (const bytes of [1024, 9_000, 65_536, 262_144, 700_000]) {
    const base = random.bytes(bytes);
    const changed = Buffer.from(base);
    for (let i = 0; i < 6; i += 1) changed.write('edit', random.int(bytes - 4));
    const frame = compressDelta(changed, base);
    assert.ok(frame.length < 400, `${frame.length} bytes for ${bytes}`);
    assert.ok((await decodeRecord(recordOf(frame), bytes, base)).equals(changed));
    assert.ok(decodeRecordNow(recordOf(compressDelta(changed, base)), bytes, base).equals(changed));
  }
});

test('a wrong dictionary may decode to wrong bytes in silence: only the id tells', async () => {
  const base = random.bytes(20_000);
  const frame = compressDelta(base, base);
  const other = Buffer.from(base);
  other[10_000]! ^= 1;
  const decoded = await decodeRecord(recordOf(frame), base.length, other);
  assert.ok(!decoded.equals(base));
});

test('a record is refused that is not of the kind the table says', async () => {
  const base = random.bytes(500);
  const refused = async (record: Buffer, dictionary: Buffer | null) =>
    assert.equal(
      codeOf(await decodeRecord(record, 500, dictionary).catch((error: unknown) => error)),
      'object_damaged',
    );
  await refused(recordOf(compressDelta(base, base)), null);
  await refused(Buffer.concat([Buffer.of(ENCODINGS.raw), base]), base);
  assert.throws(() => decodeRecordNow(recordOf(compressDelta(base, base)), 499, base), {
    code: 'object_damaged',
  });
});

test('what zstd would not take as plain bytes is no dictionary', () => {
  assert.ok(!canBeDictionary(random.bytes(63)));
  assert.ok(!canBeDictionary(random.bytes(MAX_DICTIONARY_BYTES + 1)));
  const trained = random.bytes(1000);
  trained.writeUInt32LE(0xec30a437);
  assert.ok(!canBeDictionary(trained));
  assert.throws(() => joinBases([trained]), { code: 'object_damaged' });
  assert.equal(joinBases([random.bytes(100), trained]).length, 1100, 'inside it does no harm');
});
