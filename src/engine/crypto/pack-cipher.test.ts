import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { HoldfastError } from '../base/errors.ts';
import { counterNonce, MAX_COUNTER } from './nonce.ts';
import { newHeader } from './object-header.ts';
import { packOpener, packSealer } from './pack-cipher.ts';

const pack = () =>
  newHeader({ type: 'pack', epoch: 1, repositoryId: randomBytes(16), masterKey: randomBytes(32) });
const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;

test('blocks and the table open at their own place only', () => {
  const input = pack();
  const sealer = packSealer(input);
  const blocks = ['first', 'second', ''].map((text) => sealer.sealBlock(Buffer.from(text)));
  const table = sealer.sealTable(Buffer.from('table'));
  const opener = packOpener(input);
  assert.deepEqual(
    [2, 0, 1].map((i) => opener.openBlock(i, blocks[i]!).toString()),
    ['', 'first', 'second'],
  );
  assert.equal(opener.openTable(table).toString(), 'table');
  assert.throws(() => opener.openBlock(0, blocks[1]!), code('object_damaged'));
  assert.throws(() => opener.openBlock(0, table), code('object_damaged'));
  assert.throws(() => opener.openTable(blocks[0]!), code('object_damaged'));
  for (const i of [-1, 0.5, MAX_COUNTER, Number.NaN]) {
    assert.throws(() => opener.openBlock(i, blocks[0]!), code('object_damaged'), `${i}`);
  }
  for (let length = 0; length < blocks[0]!.length; length += 1) {
    assert.throws(() => opener.openBlock(0, blocks[0]!.subarray(0, length)), code('object_damaged'));
  }
  const other = { key: input.key, header: pack().header };
  assert.throws(() => packOpener(other).openBlock(0, blocks[0]!), code('object_damaged'));
});

test('nonces are those of docs/format.md section 4', () => {
  const { key, header } = pack();
  const sealer = packSealer({ key, header });
  sealer.sealBlock(Buffer.from('a'));
  const openWith = (stored: Buffer, nonce: string) => {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'hex'), { authTagLength: 16 });
    decipher.setAAD(header).setAuthTag(stored.subarray(-16));
    return Buffer.concat([decipher.update(stored.subarray(0, -16)), decipher.final()]).toString();
  };
  assert.equal(openWith(sealer.sealBlock(Buffer.from('b')), '000000000000000000000001'), 'b');
  assert.equal(openWith(sealer.sealTable(Buffer.from('t')), '000000010000000000000000'), 't');
});

test('a sealer stops for good at its bound and after its table', () => {
  const sealer = packSealer({ ...pack(), maxBlocks: 3 });
  for (let i = 0; i < 3; i += 1) sealer.sealBlock(Buffer.of(i));
  for (let i = 0; i < 3; i += 1) assert.throws(() => sealer.sealBlock(Buffer.of(3)), code('internal'));
  sealer.sealTable(Buffer.alloc(1));
  assert.throws(() => sealer.sealTable(Buffer.alloc(1)), code('internal'));
  assert.throws(() => sealer.sealBlock(Buffer.alloc(1)), code('internal'));
});

test('counters end one before 2^32, whatever bound is asked for', () => {
  assert.equal(counterNonce(0, MAX_COUNTER - 1).toString('hex'), '0000000000000000ffffffff');
  assert.equal(counterNonce(0x01000000, 0).toString('hex'), '010000000000000000000000');
  for (const counter of [MAX_COUNTER, MAX_COUNTER + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => counterNonce(0, counter, Number.POSITIVE_INFINITY), code('internal'), `${counter}`);
  }
});
