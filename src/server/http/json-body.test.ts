import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../test/support/seed.ts';
import { jsonErrorAt, parseJson } from './json-body.ts';

test('the place of an error in JSON', () => {
  for (const [text, at] of [
    ['{"name": }', 9],
    ['[1,]', 3],
    ['{"a":1,}', 7],
    ['[1 2]', 3],
    ['{"a" 1}', 5],
    ['"open', 0],
    ['[1', 2],
    ['01', 1],
    ['{"a":1}}', 7],
    ['[}', 1],
    ['nul', 0],
    ['"\u0001"', 0],
  ] as const) {
    assert.equal(jsonErrorAt(text), at, text);
    assert.throws(() => parseJson(text), { code: 'request_invalid' });
  }
});

test('what V8 takes has no error, and what it refuses has one', () => {
  const random = seededRandom('json-body');
  const whole = JSON.stringify({ a: [1, -2.5e3, 'x\\"y', null, true, { b: {} }, []], ü: '\u2028' });
  assert.equal(jsonErrorAt(whole), whole.length);
  for (let round = 0; round < 3000; round += 1) {
    const at = random.int(whole.length);
    const other = random.pick([...'{}[]",:0a\\ -.e']);
    const text = whole.slice(0, at) + other + whole.slice(at + 1);
    const isJson = (() => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    })();
    const found = jsonErrorAt(text);
    if (isJson) assert.equal(found, text.length, text);
    else assert.ok(found >= 0 && found <= text.length, text);
  }
});
