import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapePath, unescapePath } from './escape-path.ts';

test('what is no printable UTF-8 becomes visible, the rest stays as it is', () => {
  assert.equal(escapePath(Buffer.from('Grüße/2026 ä.txt')), 'Grüße/2026 ä.txt');
  assert.equal(escapePath(Buffer.from('a\nb\x1b[2Jc\\d')), 'a\\x0ab\\x1b[2Jc\\x5cd');
  assert.equal(escapePath(Buffer.from([0x66, 0xfc, 0x6f])), 'f\\xfco');
  // Marks that reorder text on a terminal.
  assert.equal(escapePath(Buffer.from('ü\u202egpj.exe')), 'ü\\xe2\\x80\\xaegpj.exe');
});

test('what was escaped comes back byte for byte, also what looks like an escape', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const names = ['Grüße/2026 ä.txt', '\\x41', '\\', 'a\nb', 'ü\u202egpj.exe', ''].map((text) =>
    Buffer.from(text),
  );
  for (const name of [...names, all, Buffer.from([0x5c, 0xff, 0x78, 0x34, 0x31])]) {
    assert.deepEqual(unescapePath(escapePath(name)), name);
  }
});
