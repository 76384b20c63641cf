import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../test/support/seed.ts';
import { HoldfastError } from '../base/errors.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { generateKeyText, isWeakPassphrase, keyText, parseKeyText, rawKeyId } from './key-text.ts';

const malformed = (error: unknown) => error instanceof HoldfastError && error.code === 'key_malformed';
const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

test('base32 goes there and back for every length, and refuses filling bits that are not zero', () => {
  const random = seededRandom('base32');
  for (let length = 0; length < 40; length += 1) {
    const bytes = random.bytes(length);
    assert.deepEqual(decodeBase32(encodeBase32(bytes)), bytes);
  }
  assert.equal(encodeBase32(Buffer.from('f')), 'CR');
  assert.equal(decodeBase32('CS'), null);
  assert.equal(decodeBase32('C'), null);
  assert.equal(decodeBase32('CU'), null);
});

test('a known key has a known text and key id', () => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  assert.equal(keyText(key), 'hfk1-000G40-R40M30-E20918-5GR38E-1W8124-GK2GAH-C5RR34-D1P70X-3RFQT5-BRNG');
  assert.equal(rawKeyId(key), '0adf10bdef5834b7');
});

test('generated keys differ, parse, and forgive how people write them down', () => {
  const text = generateKeyText();
  assert.notEqual(text, generateKeyText());
  const parsed = parseKeyText(text);
  assert.equal(parsed.kind, 'raw');
  const spellings = [
    `${text}\n`,
    `  ${text}\r\n`,
    text.toLowerCase(),
    text.toUpperCase(),
    text.replaceAll('-', ' '),
    `hfk1-${text.slice(5).replaceAll('-', '')}`,
    text.replaceAll('0', 'o').replaceAll('1', 'l'),
    text.replaceAll('0', 'O').replaceAll('1', 'I'),
  ];
  for (const spelling of spellings) assert.deepEqual(parseKeyText(spelling), parsed, spelling);
});

test('a key amid the output of the command that made it is no passphrase', () => {
  const text = generateKeyText();
  const saved = `key id 0adf10bdef5834b7; keep a copy\n${text}\ndone\n`;
  assert.throws(() => parseKeyText(saved), /other lines stand around it/);
  assert.equal(parseKeyText('three words\nhfk1-like\nlines').kind, 'passphrase');
});

test('every single mistyped, dropped, doubled or swapped character is noticed', () => {
  const text = generateKeyText();
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '-') continue;
    const others = [...SYMBOLS, 'U', '!', 'é'].filter((symbol) => symbol !== text[i]?.toUpperCase());
    for (const other of others) {
      const wrong = text.slice(0, i) + other + text.slice(i + 1);
      assert.throws(() => parseKeyText(wrong), malformed, wrong);
    }
    assert.throws(() => parseKeyText(text.slice(0, i) + text.slice(i + 1)), malformed);
    if (i >= 5) assert.throws(() => parseKeyText(text.slice(0, i) + text[i] + text.slice(i)), malformed);
    const next = text[i + 1];
    if (i < 5 || next === undefined || next === '-' || next === text[i]) continue;
    assert.throws(() => parseKeyText(text.slice(0, i) + next + text[i] + text.slice(i + 2)), malformed);
  }
});

test('anything else is a passphrase, taken as it is but for line ends', () => {
  assert.deepEqual(parseKeyText(' correct horse \n'), { kind: 'passphrase', passphrase: ' correct horse ' });
  assert.deepEqual(parseKeyText('hfk10'), { kind: 'passphrase', passphrase: 'hfk10' });
  for (const empty of ['', ' ', '\n']) {
    assert.throws(
      () => parseKeyText(empty),
      (error) => (error as HoldfastError).code === 'key_missing',
    );
  }
});

test('weak passphrases are named, good ones are not', () => {
  for (const weak of [
    'short',
    'aaaaaaaaaaaaaaaa',
    '123456789012345',
    'abcdefghijklmnop',
    'password1234',
    'MyBackup2024',
  ]) {
    assert.notEqual(isWeakPassphrase(weak), null, weak);
  }
  for (const good of ['correct horse battery staple', 'f7K!q93_zPw2bV', 'Grünes Licht für 12 Elefanten']) {
    assert.equal(isWeakPassphrase(good), null, good);
  }
});
