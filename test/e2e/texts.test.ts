import assert from 'node:assert/strict';
import { test } from 'node:test';
import { english } from '../../web/src/texts/english.ts';
import { german } from '../../web/src/texts/german.ts';

const gaps = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test('both languages say everything, with the same gaps to fill', () => {
  assert.deepEqual(Object.keys(german).sort(), Object.keys(english).sort());
  for (const [key, text] of Object.entries(english)) {
    const other = german[key as keyof typeof english];
    assert.ok(text.trim() !== '' && other.trim() !== '', key);
    assert.deepEqual(gaps(other), gaps(text), key);
  }
});
