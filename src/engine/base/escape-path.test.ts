import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapePath } from './escape-path.ts';

test('what is no printable UTF-8 becomes visible, the rest stays as it is', () => {
  assert.equal(escapePath(Buffer.from('Grüße/2026 ä.txt')), 'Grüße/2026 ä.txt');
  assert.equal(escapePath(Buffer.from('a\nb\x1b[2Jc\\d')), 'a\\x0ab\\x1b[2Jc\\x5cd');
  assert.equal(escapePath(Buffer.from([0x66, 0xfc, 0x6f])), 'f\\xfco');
  // Marks that reorder text on a terminal.
  assert.equal(escapePath(Buffer.from('ü\u202egpj.exe')), 'ü\\xe2\\x80\\xaegpj.exe');
});
