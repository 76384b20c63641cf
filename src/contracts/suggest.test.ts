import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './suggest.ts';

test('the distance counts changes and swaps of neighbours', () => {
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('destinatoin', 'destination'), 1);
});

test('the nearest name is offered only when it is near', () => {
  assert.equal(nearest('Bakup', ['backup', 'bundle']), 'backup');
  assert.equal(nearest('frobnicate', ['backup', 'bundle']), null);
  assert.equal(nearest('x', []), null);
});
