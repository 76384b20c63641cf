import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type QrMatrix, qrCode } from '../../web/src/qr/qr-code.ts';
import { errorCorrection } from '../../web/src/qr/reed-solomon.ts';

const rowsOf = (code: QrMatrix) => code.map((row) => row.map((dark) => (dark ? '1' : '0')).join(''));
const hashOf = (code: QrMatrix) => createHash('sha256').update(rowsOf(code).join('\n')).digest('hex');

const ADDRESS =
  'otpauth://totp/Holdfast:owner%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Holdfast';
const words = (length: number) => 'holdfast '.repeat(24).slice(0, length);
const letters = (length: number) => 'abcdefghij'.repeat(22).slice(0, length);

/** SHA-256 of the rows, by version: as drawn by qrcode-generator 1.4.4 at level M, and read again by jsQR 1.4.0. */
const VECTORS: readonly (readonly [version: number, text: string, sha256: string])[] = [
  [1, words(2), 'ae6457a731fe25da3b28a95f7af3a56d9d94b82767078195c704d03aecc2f210'],
  [2, words(19), 'f06bb92c93497d290167c950c567389c864674a61fec5686a2f4dfbf44c55993'],
  [3, words(27), '411ab75fa0569b92ffc3d6a855ef24b85aa4c129dc3271ffb292e421960ddb2d'],
  [4, words(43), 'e43d28bd790d61cb6246163a85fa4db120071229d6002b2dbb8c7217de458358'],
  [5, words(63), '809aabc02d118088c962bff1507358c418c3b4811ff07a394a6c202104d4f7cb'],
  [6, ADDRESS, 'd4b234bef2943a0c65a9dec5f6f179aac16b6fd02b2888c51ea53f21211fbb5e'],
  [7, words(108), '05d6df246815d84143ab410eeeac61dff7f974d89678deec3bfda5013b23a645'],
  [8, words(123), 'c4cbb00ff6ad9190ced9853e668a9897c0cdb5558a345e5d56df8c52362b9dd2'],
  [9, letters(154), '11818d71ae794383ed53606fbae9da5eef0b22a5c8b6c71cedb0dfc1e250d162'],
  [10, words(181), '3bac6c7e1928f3e101764a7bb66756000745968a3bd9d67e5fbb3b1fb1da9c57'],
];

test('codes of every version are module for module those of another program', () => {
  for (const [version, text, sha256] of VECTORS) {
    const code = qrCode(text)!;
    assert.equal(code.length, 17 + 4 * version, `version ${version}`);
    assert.equal(hashOf(code), sha256, `version ${version}`);
  }
  const changed = qrCode(ADDRESS.replace('JBSW', 'JBSX'))!;
  assert.notEqual(hashOf(changed), VECTORS[5]![2], 'negative control: another secret is another code');
});

test('the smallest as it looks', () => {
  assert.deepEqual(rowsOf(qrCode('ho')!).slice(0, 8), [
    '111111100010001111111',
    '100000100101001000001',
    '101110101011001011101',
    '101110101111001011101',
    '101110101101101011101',
    '100000101000101000001',
    '111111101010101111111',
    '000000001001100000000',
  ]);
});

test('the largest holds 213 bytes, whatever their letters, and no more', () => {
  assert.equal(qrCode('ä'.repeat(106))!.length, 57);
  assert.equal(qrCode('x'.repeat(213))!.length, 57);
  assert.equal(qrCode('x'.repeat(214)), null);
  assert.equal(qrCode('ä'.repeat(107)), null);
});

test('data and correction together vanish at every root, as Reed and Solomon have it', () => {
  const times = (a: number, b: number) => {
    let product = 0;
    for (let i = 7; i >= 0; i -= 1) {
      product = (product << 1) ^ (product & 0x80 ? 0x11d : 0) ^ ((b >> i) & 1 ? a : 0);
    }
    return product;
  };
  const valueAt = (word: readonly number[], x: number) => word.reduce((sum, one) => times(sum, x) ^ one, 0);
  for (const [size, length] of [
    [16, 10],
    [44, 26],
    [43, 24],
  ] as const) {
    const data = Array.from({ length: size }, (_, i) => (i * 37 + size) % 256);
    const word = [...data, ...errorCorrection(data, length)];
    let root = 1;
    for (let i = 0; i < length; i += 1) {
      assert.equal(valueAt(word, root), 0, `${size} bytes, root ${i}`);
      root = times(root, 2);
    }
    assert.notEqual(valueAt(word.with(0, word[0]! ^ 1), 1), 0, 'negative control');
  }
});
