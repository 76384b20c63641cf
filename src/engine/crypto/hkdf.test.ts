import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hkdf } from './hkdf.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const range = (from: number, to: number) =>
  Buffer.from(Array.from({ length: to - from }, (_, i) => from + i));

test('RFC 5869, A.1: basic test case with SHA-256', () => {
  const out = hkdf(Buffer.alloc(22, 0x0b), range(0, 13), range(0xf0, 0xfa), 42);
  const expected = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
  assert.equal(out.toString('hex'), expected);
});

test('RFC 5869, A.2: longer inputs and outputs', () => {
  const out = hkdf(range(0, 0x50), range(0x60, 0xb0), range(0xb0, 0x100), 82);
  const expected =
    hex(`b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
    da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87`);
  assert.deepEqual(out, expected);
});

test('RFC 5869, A.3: no salt, no info', () => {
  const expected = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8';
  for (const salt of [null, Buffer.alloc(0)]) {
    assert.equal(hkdf(Buffer.alloc(22, 0x0b), salt, '', 42).toString('hex'), expected);
  }
});
