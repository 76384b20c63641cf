import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpolate } from './interpolate.ts';

test('references become values, once', () => {
  const environment = { A: '${B}', B: 'b', EMPTY: '' };
  assert.deepEqual(interpolate('x/${A}/${B}', environment), { value: 'x/${B}/b' });
  assert.deepEqual(interpolate('$${B} $B {B}', environment), { value: '${B} $B {B}' });
  assert.deepEqual(interpolate('${EMPTY}${C}', environment), { missing: 'EMPTY' });
});

test('inside an address values are encoded, a whole address is not', () => {
  const environment = { PW: 'p@ss/#?', URL: 'postgres://u@h/d' };
  assert.deepEqual(interpolate('postgres://u:${PW}@h/d', environment, true), {
    value: 'postgres://u:p%40ss%2F%23%3F@h/d',
  });
  assert.deepEqual(interpolate('${URL}', environment, true), { value: 'postgres://u@h/d' });
});
