import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { test } from 'node:test';
import { gcmOpen, gcmSeal, TAG_BYTES } from './gcm.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 13 to 16: AES-256, 96-bit IV. */
const KEY = hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308');
const IV = hex('cafebabefacedbaddecaf888');
const PLAIN = hex(`d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
  1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255`);
const CIPHER = hex(`522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
  8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad`);
const NONE = Buffer.alloc(0);

const VECTORS = [
  {
    key: Buffer.alloc(32),
    iv: Buffer.alloc(12),
    aad: NONE,
    plain: NONE,
    cipher: NONE,
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    key: Buffer.alloc(32),
    iv: Buffer.alloc(12),
    aad: NONE,
    plain: Buffer.alloc(16),
    cipher: hex('cea7403d4d606b6e074ec5d3baf39d18'),
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  { key: KEY, iv: IV, aad: NONE, plain: PLAIN, cipher: CIPHER, tag: 'b094dac5d93471bdec1a502270e3cc6c' },
  {
    key: KEY,
    iv: IV,
    aad: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    plain: PLAIN.subarray(0, 60),
    cipher: CIPHER.subarray(0, 60),
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
];

test('published vectors seal and open', () => {
  for (const { key, iv, aad, plain, cipher, tag } of VECTORS) {
    const sealed = gcmSeal(key, iv, aad, plain);
    assert.equal(sealed.toString('hex'), cipher.toString('hex') + tag);
    assert.deepEqual(gcmOpen(key, iv, aad, sealed), Buffer.from(plain));
  }
});

test('any change of a byte, of the nonce or of the associated data opens nothing', () => {
  const aad = Buffer.from('aad');
  const sealed = gcmSeal(KEY, IV, aad, PLAIN);
  for (let i = 0; i < sealed.length; i += 1) {
    const changed = Buffer.from(sealed);
    changed[i]! ^= 1 << (i % 8);
    assert.equal(gcmOpen(KEY, IV, aad, changed), null, `byte ${i}`);
  }
  assert.equal(gcmOpen(KEY, Buffer.alloc(12), aad, sealed), null);
  assert.equal(gcmOpen(KEY, IV, NONE, sealed), null);
  assert.equal(gcmOpen(Buffer.alloc(32), IV, aad, sealed), null);
});

/** What a careless decipher does: it takes the length of the tag from whoever hands it over. */
function carelessOpen(cipher: Buffer, tag: Buffer): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', KEY, IV, { authTagLength: tag.length });
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(cipher), decipher.final()]);
  } catch {
    return null;
  }
}

test('tags of 0 to 15 bytes are never accepted (and the careless way would accept some)', () => {
  const sealed = gcmSeal(KEY, IV, NONE, PLAIN);
  const cipher = sealed.subarray(0, -TAG_BYTES);
  const tag = sealed.subarray(-TAG_BYTES);
  let carelessAccepted = 0;
  for (let length = 0; length < TAG_BYTES; length += 1) {
    const short = tag.subarray(0, length);
    assert.equal(gcmOpen(KEY, IV, NONE, Buffer.concat([cipher, short])), null, `tag of ${length} bytes`);
    assert.equal(gcmOpen(KEY, IV, NONE, short), null, `nothing but a tag of ${length} bytes`);
    if (carelessOpen(cipher, short)?.equals(PLAIN)) carelessAccepted += 1;
  }
  assert.ok(carelessAccepted > 0, 'the negative control must be fooled');
  assert.deepEqual(gcmOpen(KEY, IV, NONE, Buffer.concat([cipher, tag])), PLAIN);
});
