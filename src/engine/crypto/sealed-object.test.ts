import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { HoldfastError } from '../base/errors.ts';
import { hkdf } from './hkdf.ts';
import {
  HEADER_BYTES,
  newHeader,
  OBJECT_TYPES,
  type ObjectType,
  openHeader,
  readHeader,
} from './object-header.ts';
import { openObject, sealObject } from './sealed-object.ts';

const MASTER_KEY = randomBytes(32);
const REPOSITORY_ID = randomBytes(16);
const MIB = 2 ** 20;

const seal = (payload: Uint8Array, type: ObjectType = 'index') =>
  sealObject({ type, epoch: 2, masterKey: MASTER_KEY, repositoryId: REPOSITORY_ID, payload });
const open = (bytes: Uint8Array, type: ObjectType = 'index', masterKey: Uint8Array = MASTER_KEY) =>
  openObject({ bytes, type, repositoryId: REPOSITORY_ID, masterKeyOf: () => masterKey });
const code =
  (...expected: string[]) =>
  (error: unknown) =>
    error instanceof HoldfastError && expected.includes(error.code);

test('payloads around every segment border come back', () => {
  for (const size of [0, 1, 2, MIB - 2, MIB - 1, MIB, MIB + 1, 2 * MIB - 1, 2 * MIB, 3 * MIB + 5]) {
    const payload = randomBytes(size);
    const bytes = seal(payload);
    const opened = open(bytes);
    assert.deepEqual(opened.payload, payload, `${size} bytes`);
    assert.equal(opened.epoch, 2);
    const segments = Math.max(1, Math.ceil((size + 1) / MIB));
    assert.equal(bytes.length, HEADER_BYTES + 1 + size + 16 * segments, `${size} random bytes stay raw`);
  }
});

test('compressible payloads shrink and come back', () => {
  const payload = Buffer.alloc(5 * MIB, 'holdfast ');
  const bytes = seal(payload);
  assert.ok(bytes.length < 100_000);
  assert.deepEqual(open(bytes).payload, payload);
});

test('every bit of the header is guarded', () => {
  const bytes = seal(Buffer.from('payload'));
  for (let bit = 0; bit < HEADER_BYTES * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => open(changed), code('object_damaged', 'key_wrong', 'repository_newer'), `bit ${bit}`);
  }
});

test('every other bit is guarded, and every cut and every addition noticed', () => {
  const bytes = seal(Buffer.from('payload'));
  for (let bit = HEADER_BYTES * 8; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => open(changed), code('object_damaged'), `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => open(bytes.subarray(0, length)), code('object_damaged'), `cut to ${length}`);
  }
  for (const more of [1, 15, 16, 17, MIB]) {
    assert.throws(() => open(Buffer.concat([bytes, Buffer.alloc(more)])), code('object_damaged'));
  }
});

test('segments cannot be cut off, swapped, doubled or dropped', () => {
  const stored = MIB + 16;
  const bytes = seal(randomBytes(3 * MIB - 1));
  const segment = (i: number) => bytes.subarray(HEADER_BYTES + i * stored, HEADER_BYTES + (i + 1) * stored);
  const orders = [
    [],
    [0],
    [0, 1],
    [1, 0, 2],
    [0, 2, 1],
    [0, 0, 1, 2],
    [1, 2],
    [0, 2],
    [2],
    [0, 1, 2, 2],
    [0, 1, 1, 2],
  ];
  for (const order of orders) {
    const changed = Buffer.concat([bytes.subarray(0, HEADER_BYTES), ...order.map(segment)]);
    assert.throws(() => open(changed), code('object_damaged'), order.join());
  }
  const whole = Buffer.concat([bytes.subarray(0, HEADER_BYTES), ...[0, 1, 2].map(segment)]);
  assert.equal(open(whole).payload.length, 3 * MIB - 1, 'the pieces in order are the object');
});

test('type, repository and master key must be the expected ones', () => {
  const bytes = seal(Buffer.from('x'), 'hold');
  for (const type of Object.keys(OBJECT_TYPES) as ObjectType[]) {
    if (type === 'hold') assert.equal(open(bytes, type).payload.toString(), 'x');
    else assert.throws(() => open(bytes, type), code('object_damaged'), type);
  }
  assert.throws(() => open(bytes, 'hold', randomBytes(32)), code('key_wrong'));
  const elsewhere = {
    bytes,
    type: 'hold',
    repositoryId: randomBytes(16),
    masterKeyOf: () => MASTER_KEY,
  } as const;
  assert.throws(() => openObject(elsewhere), code('object_damaged'));
});

test('an object follows docs/format.md section 2', () => {
  const salt = Buffer.alloc(32, 9);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('HFST');
  header.set([1, 3, 0, 0, 7, 0, 0, 0], 4);
  REPOSITORY_ID.copy(header, 12);
  salt.copy(header, 28);
  const info = Buffer.concat([Buffer.from('holdfast v1 object'), Buffer.of(3), REPOSITORY_ID]);
  const both = hkdf(MASTER_KEY, salt, info, 64);
  both.copy(header, 60, 32);
  const nonce = Buffer.from('010000000000000000000000', 'hex');
  const cipher = createCipheriv('aes-256-gcm', both.subarray(0, 32), nonce).setAAD(header);
  const body = Buffer.concat([cipher.update(Buffer.from('\0{"a":1}')), cipher.final(), cipher.getAuthTag()]);
  const opened = open(Buffer.concat([header, body]), 'manifest');
  assert.deepEqual([opened.payload.toString(), opened.epoch], ['{"a":1}', 7]);
});

test('headers tell newer formats from damage', () => {
  const { header, key } = newHeader({
    type: 'pack',
    epoch: 1,
    repositoryId: REPOSITORY_ID,
    masterKey: MASTER_KEY,
  });
  assert.deepEqual(openHeader(header, MASTER_KEY, 'pack', REPOSITORY_ID), key);
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(header);
    bytes[at] = value;
    return bytes;
  };
  assert.throws(() => readHeader(changed(4, 2)), code('repository_newer'));
  assert.throws(() => readHeader(changed(6, 1)), code('repository_newer'));
  for (const [at, value] of [
    [0, 0],
    [4, 0],
    [5, 0],
    [5, 11],
    [7, 1],
  ] as const) {
    assert.throws(() => readHeader(changed(at, value)), code('object_damaged'), `${at} = ${value}`);
  }
  assert.throws(() => readHeader(header.subarray(0, 91)), code('object_damaged'));
});

test('an authentic body with an unknown encoding, or none, is damaged', () => {
  const make = (plain: Buffer) => {
    const { header, key } = newHeader({
      type: 'hold',
      epoch: 1,
      repositoryId: REPOSITORY_ID,
      masterKey: MASTER_KEY,
    });
    const nonce = Buffer.from('010000000000000000000000', 'hex');
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(header);
    return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  assert.equal(open(make(Buffer.of(0)), 'hold').payload.length, 0);
  for (const plain of [Buffer.alloc(0), Buffer.of(2), Buffer.of(1), Buffer.from('\x01junk')]) {
    assert.throws(() => open(make(plain), 'hold'), code('object_damaged'));
  }
});
