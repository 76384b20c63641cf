import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { test } from 'node:test';
import { HoldfastError } from '../base/errors.ts';
import { uuidToBytes } from './encoding.ts';
import { hkdf } from './hkdf.ts';
import { type KeySlot, openSlot, parseSlot, sealSlot } from './key-slot.ts';
import { type Credential, rawKeyId } from './key-text.ts';
import type { KeyDerivation } from './wrap.ts';

const salted = (slot: { readonly kdf: KeyDerivation }) =>
  slot.kdf as Extract<KeyDerivation, { readonly salt: string }>;

const REPOSITORY_ID = randomBytes(16);
const MASTER_KEY = randomBytes(32);
const LOW = { n: 16, r: 1, p: 1 };
const RAW: Credential = { kind: 'raw', key: randomBytes(32) };
const PHRASE: Credential = { kind: 'passphrase', passphrase: 'correct horse' };

const seal = (credential: Credential, more = {}) =>
  sealSlot({
    credential,
    masterKey: MASTER_KEY,
    repositoryId: REPOSITORY_ID,
    epoch: 3,
    label: 'ci',
    scrypt: LOW,
    ...more,
  });
const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;

test('a slot survives its JSON and opens with its own credential only', async () => {
  for (const credential of [RAW, PHRASE]) {
    const slot = parseSlot(Buffer.from(JSON.stringify(await seal(credential))));
    assert.deepEqual(await openSlot(slot, credential), MASTER_KEY);
    for (const other of [
      { kind: 'raw', key: randomBytes(32) },
      { kind: 'passphrase', passphrase: 'correct horsf' },
    ] as const) {
      assert.equal(await openSlot(slot, other), null);
    }
  }
});

test('the prescribed scrypt cost is the default', async () => {
  const slot = await seal(PHRASE, { scrypt: undefined });
  const { salt, ...cost } = salted(slot);
  assert.deepEqual(cost, { name: 'scrypt', n: 131072, r: 8, p: 1 });
  assert.equal(Buffer.from(salt, 'base64url').length, 32);
  assert.deepEqual(await openSlot(slot, PHRASE), MASTER_KEY);
});

/** Opens a slot by the words of docs/format.md alone. */
function openByTheBook(slot: KeySlot, base: Buffer): Buffer {
  const both = hkdf(base, null, 'holdfast v1 slot wrap', 64);
  assert.equal(slot.commitment, both.subarray(32).toString('base64url'));
  const aad = Buffer.concat([
    Buffer.from('holdfast v1 slot'),
    Buffer.from(slot.repositoryId.replaceAll('-', ''), 'hex'),
    Buffer.from([slot.epoch, 0, 0, 0]),
    Buffer.from(slot.slotId.replaceAll('-', ''), 'hex'),
  ]);
  const wrapped = Buffer.from(slot.wrapped, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', both.subarray(0, 32), Buffer.alloc(12), {
    authTagLength: 16,
  });
  decipher.setAAD(aad).setAuthTag(wrapped.subarray(32));
  return Buffer.concat([decipher.update(wrapped.subarray(0, 32)), decipher.final()]);
}

test('slots follow docs/format.md section 3', async () => {
  const phrase = await seal(PHRASE);
  const salt = Buffer.from(salted(phrase).salt, 'base64url');
  const base = scryptSync('correct horse', salt, 32, { N: 16, r: 1, p: 1 });
  assert.deepEqual(openByTheBook(phrase, base), MASTER_KEY);
  assert.equal(phrase.keyId, hkdf(base, null, 'holdfast v1 key id', 8).toString('hex'));
  const raw = await seal(RAW);
  const rawKey = (RAW as { key: Buffer }).key;
  const rawBase = hkdf(rawKey, Buffer.from(salted(raw).salt, 'base64url'), 'holdfast v1 slot', 32);
  assert.deepEqual(openByTheBook(raw, rawBase), MASTER_KEY);
  assert.equal(raw.keyId, rawKeyId(rawKey));
});

test('every field of a slot is bound: changed, it does not open', async () => {
  const slot = await seal(RAW);
  const flipped = (text: string) =>
    text[5] === 'A' ? `${text.slice(0, 5)}B${text.slice(6)}` : `${text.slice(0, 5)}A${text.slice(6)}`;
  const changes: Partial<KeySlot>[] = [
    { epoch: 4 },
    { repositoryId: '00000000-0000-7000-8000-000000000000' },
    { slotId: '00000000-0000-7000-8000-000000000000' },
    { wrapped: flipped(slot.wrapped) },
    { commitment: flipped(slot.commitment) },
    { kdf: { ...salted(slot), salt: flipped(salted(slot).salt) } },
  ];
  for (const change of changes)
    assert.equal(await openSlot({ ...slot, ...change }, RAW), null, JSON.stringify(change));
  assert.deepEqual(await openSlot({ ...slot, label: 'other' }, RAW), MASTER_KEY, 'the label is for people');
});

test('malformed slots and costs beyond the bounds are refused before any work', async () => {
  const slot = await seal(PHRASE);
  const kdf = (change: object) => ({ ...slot, kdf: { ...slot.kdf, ...change } });
  const wrong: unknown[] = [
    null,
    [],
    'slot',
    {},
    kdf({ n: 2 ** 21 }),
    kdf({ n: 2 ** 31 }),
    kdf({ n: 100 }),
    kdf({ n: 1 }),
    kdf({ n: 16.5 }),
    kdf({ n: '16' }),
    kdf({ r: 17 }),
    kdf({ r: 0 }),
    kdf({ p: 5 }),
    kdf({ p: -1 }),
    kdf({ name: 'argon2id' }),
    kdf({ salt: salted(slot).salt.slice(0, -1) }),
    kdf({ salt: `${salted(slot).salt}=` }),
    { ...slot, version: 0 },
    { ...slot, epoch: 0 },
    { ...slot, epoch: 2 ** 32 },
    { ...slot, keyId: 'xyz' },
    { ...slot, wrapped: slot.wrapped.slice(2) },
    { ...slot, commitment: 7 },
    { ...slot, slotId: '../../etc/passwd' },
    { ...slot, label: 'x'.repeat(300) },
  ];
  for (const value of wrong) {
    await assert.rejects(openSlot(value, PHRASE), code('object_damaged'), JSON.stringify(value));
  }
  await assert.rejects(openSlot({ ...slot, version: 2 }, PHRASE), code('repository_newer'));
  for (const bytes of ['', '{', 'null', '\xff', JSON.stringify(slot).slice(0, -1)]) {
    assert.throws(() => parseSlot(Buffer.from(bytes, 'latin1')), code('object_damaged'), bytes);
  }
  assert.throws(() => parseSlot(Buffer.alloc(65_537, 0x20)), code('object_damaged'));
  assert.equal(uuidToBytes(slot.repositoryId).equals(REPOSITORY_ID), true);
});
