import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, type JsonValue, plainJson } from './canonical-json.ts';

test('the examples of RFC 8785 come out as it prints them', () => {
  const values = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  assert.equal(
    canonicalJson(values),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const sorted = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  const names = Object.values(JSON.parse(canonicalJson(sorted)) as object);
  // A number as a name goes first in a JavaScript object whatever the text says, as it does here.
  assert.deepEqual(names, [
    'One',
    'Carriage Return',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ]);
  assert.ok(canonicalJson(sorted).startsWith('{"\\r":"Carriage Return","1":"One",'));
  assert.equal(canonicalJson(-0), '0');
});

test('what has no canonical form is refused', () => {
  let deep: JsonValue = [];
  for (let i = 0; i < 100; i += 1) deep = [deep];
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udc00': 1 }, deep]) {
    assert.throws(() => canonicalJson(value), TypeError);
  }
});

test('anything becomes something that has one', () => {
  let deep: unknown = 'inner';
  for (let i = 0; i < 100; i += 1) deep = { deep };
  const made = plainJson({
    ...{
      nan: Number.NaN,
      half: 'a\ud800b',
      big: 10n,
      date: new Date(0),
      wrong: new Date('x'),
      nothing: undefined,
    },
    ...{ work: () => 1, list: [undefined, 1], 'half\udc00': 1, deep },
  });
  const read = JSON.parse(canonicalJson(made)) as Record<string, unknown>;
  delete read.deep;
  assert.deepEqual(read, {
    ...{ nan: null, half: 'a\ufffdb', big: '10', date: '1970-01-01T00:00:00.000Z', wrong: null },
    ...{ list: [null, 1], 'half\ufffd': 1 },
  });
});
