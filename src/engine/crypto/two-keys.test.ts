import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gcmCollision } from '../../../test/support/gcm-collision.ts';
import { HoldfastError } from '../base/errors.ts';
import { uuidToBytes } from './encoding.ts';
import { gcmOpen } from './gcm.ts';
import { hkdf } from './hkdf.ts';
import { openSlot, sealSlot } from './key-slot.ts';
import { HEADER_BYTES } from './object-header.ts';
import { openObject } from './sealed-object.ts';
import type { KeyDerivation } from './wrap.ts';

const salted = (slot: { readonly kdf: KeyDerivation }) =>
  slot.kdf as Extract<KeyDerivation, { readonly salt: string }>;

const ID = Buffer.alloc(16, 5);
const ROUNDS = 10;

test('negative control: plain GCM opens the crafted ciphertext under both keys', () => {
  for (let i = 0; i < ROUNDS; i += 1) {
    const keys = [randomBytes(32), randomBytes(32)] as const;
    const [nonce, aad] = [randomBytes(12), randomBytes(i * 5)];
    const stored = gcmCollision(keys, nonce, aad, 32 + 16 * i);
    const plain = keys.map((key) => gcmOpen(key, nonce, aad, stored));
    assert.equal(plain.filter((bytes) => bytes !== null).length, 2);
    assert.notDeepEqual(plain[0], plain[1]);
  }
});

test('a slot crafted for two keys opens under neither, or under the one it commits to', async () => {
  for (let i = 0; i < ROUNDS; i += 1) {
    const credentials = [0, 1].map(() => ({ kind: 'raw', key: randomBytes(32) }) as const);
    const slot = await sealSlot({
      credential: credentials[0]!,
      masterKey: randomBytes(32),
      repositoryId: ID,
      epoch: 1,
      label: '',
    });
    const derived = credentials.map(({ key }) => {
      const base = hkdf(key, Buffer.from(salted(slot).salt, 'base64url'), 'holdfast v1 slot', 32);
      return hkdf(base, null, 'holdfast v1 slot wrap', 64);
    });
    const aad = Buffer.concat([
      Buffer.from('holdfast v1 slot'),
      ID,
      Buffer.from([1, 0, 0, 0]),
      uuidToBytes(slot.slotId),
    ]);
    const keys = [derived[0]!.subarray(0, 32), derived[1]!.subarray(0, 32)] as const;
    const wrapped = gcmCollision(keys, Buffer.alloc(12), aad, 32).toString('base64url');
    const opened = async (commitment: Buffer) => {
      const crafted = { ...slot, wrapped, commitment: commitment.toString('base64url') };
      return Promise.all(
        credentials.map(async (credential) => (await openSlot(crafted, credential)) !== null),
      );
    };
    assert.deepEqual(await opened(derived[0]!.subarray(32)), [true, false]);
    assert.deepEqual(await opened(derived[1]!.subarray(32)), [false, true]);
    assert.deepEqual(await opened(randomBytes(32)), [false, false]);
  }
});

test('an object crafted for two master keys opens under neither, or under the one it commits to', () => {
  for (let i = 0; i < ROUNDS; i += 1) {
    const masterKeys = [randomBytes(32), randomBytes(32)];
    const header = Buffer.alloc(HEADER_BYTES);
    header.write('HFST');
    header.set([1, 6, 0, 0, 1, 0, 0, 0], 4);
    ID.copy(header, 12);
    randomBytes(32).copy(header, 28);
    const info = Buffer.concat([Buffer.from('holdfast v1 object'), Buffer.of(6), ID]);
    const derived = masterKeys.map((key) => hkdf(key, header.subarray(28, 60), info, 64));
    const opened = (commitment: Buffer) => {
      commitment.copy(header, 60);
      const keys = [derived[0]!.subarray(0, 32), derived[1]!.subarray(0, 32)] as const;
      const body = gcmCollision(keys, Buffer.from('010000000000000000000000', 'hex'), header, 64);
      return masterKeys.map((key) => codeOfOpening(Buffer.concat([header, body]), key));
    };
    // Under the key it commits to, the body is authentic noise: it fails later, as damaged.
    assert.deepEqual(opened(randomBytes(32)), ['key_wrong', 'key_wrong']);
    assert.equal(opened(derived[0]!.subarray(32))[1], 'key_wrong');
    assert.equal(opened(derived[1]!.subarray(32))[0], 'key_wrong');
  }
});

function codeOfOpening(bytes: Buffer, masterKey: Buffer): string {
  try {
    openObject({ bytes, type: 'hold', repositoryId: ID, masterKeyOf: () => masterKey });
    return 'opened';
  } catch (error) {
    return error instanceof HoldfastError ? error.code : 'crashed';
  }
}
