import assert from 'node:assert/strict';
import { randomBytes, webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { inParts } from '../../../test/support/bundles.ts';
import { collect } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { decryptStream, encryptStream, STREAM_SEGMENT_BYTES } from './streaming-aead.ts';

const KEY = Buffer.alloc(32, 3);
const AAD = Buffer.from('associated');
const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;

/** Tink's published layout again, with Web Crypto and a whole buffer: shares no code with what it checks. */
async function tink(segmentBytes: number, salt: Uint8Array, prefix: Uint8Array) {
  const { subtle } = webcrypto;
  const base = await subtle.importKey('raw', KEY, 'HKDF', false, ['deriveKey']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt, info: AAD };
  const aes = { name: 'AES-GCM', length: 256 };
  const key = await subtle.deriveKey(hkdf, base, aes, false, ['encrypt', 'decrypt']);
  const iv = (i: number, last: boolean) => {
    const view = new DataView(new ArrayBuffer(12));
    for (const [at, byte] of prefix.entries()) view.setUint8(at, byte);
    view.setUint32(7, i, false);
    view.setUint8(11, last ? 1 : 0);
    return { name: 'AES-GCM', iv: view, tagLength: 128 };
  };
  const header = Buffer.concat([Buffer.of(40), salt, prefix]);
  return {
    async encrypt(plain: Buffer): Promise<Buffer> {
      const pieces = [plain.subarray(0, segmentBytes - 56)];
      for (let at = segmentBytes - 56; at < plain.length; at += segmentBytes - 16) {
        pieces.push(plain.subarray(at, at + segmentBytes - 16));
      }
      const sealed = await Promise.all(
        pieces.map((piece, i) => subtle.encrypt(iv(i, i === pieces.length - 1), key, piece)),
      );
      return Buffer.concat([header, ...sealed.map((bytes) => Buffer.from(bytes))]);
    },
    async decrypt(stored: Buffer): Promise<Buffer> {
      const pieces = [stored.subarray(40, segmentBytes)];
      for (let at = segmentBytes; at < stored.length; at += segmentBytes)
        pieces.push(stored.subarray(at, at + segmentBytes));
      const plain = await Promise.all(
        pieces.map((piece, i) => subtle.decrypt(iv(i, i === pieces.length - 1), key, piece)),
      );
      return Buffer.concat(plain.map((bytes) => Buffer.from(bytes)));
    },
  };
}

const encrypt = (plain: Buffer, part = 2 ** 20, options = {}) =>
  collect(encryptStream(KEY, AAD, inParts(plain, part), options));
const decrypt = (stored: Buffer, part = 2 ** 20, options = {}) =>
  collect(decryptStream(KEY, AAD, inParts(stored, part), options));

async function checkBothWays(segmentBytes: number, plain: Buffer, part: number): Promise<void> {
  const stored = await encrypt(plain, part, { segmentBytes });
  assert.deepEqual(await decrypt(stored, part, { segmentBytes }), plain);
  const same = await tink(segmentBytes, stored.subarray(1, 33), stored.subarray(33, 40));
  assert.deepEqual(await same.decrypt(stored), plain, `tink reads our ${plain.length} bytes`);
  const other = await tink(segmentBytes, randomBytes(32), randomBytes(7));
  assert.deepEqual(await decrypt(await other.encrypt(plain), part, { segmentBytes }), plain, 'we read tink');
  assert.deepEqual(await same.encrypt(plain), stored, 'byte for byte the same');
}

test('every size around three segment borders, in parts of one byte and more', async () => {
  const segmentBytes = 80;
  for (let size = 0; size <= 3 * (segmentBytes - 16); size += 1) {
    const plain = randomBytes(size);
    for (const part of [1, 7, segmentBytes, 1000]) await checkBothWays(segmentBytes, plain, part);
  }
});

test('the real segment size at its borders', async () => {
  const first = STREAM_SEGMENT_BYTES - 56;
  const next = STREAM_SEGMENT_BYTES - 16;
  for (const size of [0, 1, first - 1, first, first + 1, first + next - 1, first + next, first + next + 1]) {
    await checkBothWays(STREAM_SEGMENT_BYTES, randomBytes(size), 300_000);
  }
});

test('wrong key, wrong associated data, and a wrong header open nothing', async () => {
  const stored = await encrypt(Buffer.from('secret'));
  const wrongs: [Buffer, Buffer, Buffer][] = [
    [Buffer.alloc(32, 4), AAD, stored],
    [KEY, Buffer.from('associatee'), stored],
    [KEY, AAD, Buffer.concat([Buffer.of(41), stored.subarray(1)])],
    [KEY, AAD, Buffer.alloc(0)],
    [KEY, AAD, stored.subarray(0, 40)],
  ];
  for (const [key, aad, bytes] of wrongs) {
    const parts: Buffer[] = [];
    await assert.rejects(async () => {
      for await (const part of decryptStream(key, aad, inParts(bytes, 9))) parts.push(part);
    }, code('bundle_malformed'));
    assert.equal(parts.length, 0, 'not one byte before its tag verified');
  }
});

test('writers and readers stop before the segment number wraps', async () => {
  const segmentBytes = 80;
  const exactly3 = Buffer.alloc(24 + 2 * 64);
  const options = { segmentBytes, maxSegments: 3 };
  assert.deepEqual(await decrypt(await encrypt(exactly3, 50, options), 50, options), exactly3);
  const one4 = Buffer.alloc(exactly3.length + 1);
  await assert.rejects(encrypt(one4, 50, options), code('limit_exceeded'));
  await assert.rejects(
    decrypt(await encrypt(one4, 50, { segmentBytes }), 50, options),
    code('limit_exceeded'),
  );
});

test('an error of the source passes through, and ending early releases it', async () => {
  let released = false;
  async function* source(fails: boolean) {
    try {
      while (true) {
        yield Buffer.alloc(100);
        if (fails) throw new HoldfastError('storage_io');
      }
    } finally {
      released = true;
    }
  }
  await assert.rejects(collect(encryptStream(KEY, AAD, source(true))), code('storage_io'));
  released = false;
  let parts = 0;
  for await (const _ of encryptStream(KEY, AAD, source(false), { segmentBytes: 80 }))
    if (++parts === 3) break;
  assert.equal(released, true);
});
